//! `run`: one scenario on a map, answered with tables or JSON.
use std::path::PathBuf;

use super::documents::Question;
use super::{Failure, Format, bar, json, write};
use crate::{simulate, simulate_until, table};

#[derive(Debug, clap::Args)]
pub(super) struct Run {
    #[command(flatten)]
    question: Question,
    /// Leave the priced fixes out.
    #[arg(long)]
    no_fixes: bool,
    /// Stop once the 95 % interval around every bad night is at most this share
    /// of it wide, such as 0.05; `--trials` is then the most.
    #[arg(long, value_name = "SHARE")]
    precision: Option<f64>,
    /// How to answer.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
    /// Write the answer to a file.
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &Run) -> Result<(), Failure> {
    let asked = args.question.read()?;
    let job = asked.job(!args.no_fixes);
    let mut summary = match args.precision {
        Some(precision) => simulate_until(&job, precision, &bar())?,
        None => simulate(&job, &bar())?,
    };
    for warning in asked.warnings {
        if !summary.notes.contains(&warning) {
            summary.notes.push(warning);
        }
    }
    let text = match args.format {
        Format::Human => table::render(&summary).into_bytes(),
        Format::Json => json(&summary)?,
    };
    write(args.out.as_deref(), &text)
}

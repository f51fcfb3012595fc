//! `run`: one scenario on a map, answered with tables or JSON.
use std::path::PathBuf;

use super::documents::Question;
use super::{Failure, Format, bar, json, write};
use crate::{simulate, table};

#[derive(Debug, clap::Args)]
pub(super) struct Run {
    #[command(flatten)]
    question: Question,
    /// Leave the priced fixes out.
    #[arg(long)]
    no_fixes: bool,
    /// How to answer.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
    /// Write the answer to a file.
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &Run) -> Result<(), Failure> {
    let asked = args.question.read()?;
    let mut summary = simulate(&asked.job(!args.no_fixes), &bar())?;
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

//! `drill-next`: which drill or measurement could move a promise most.
use std::path::PathBuf;

use evenkeel_config::id::Id;

use super::documents::Question;
use super::{Failure, Format, bar, json, write};
use crate::drills::{drill_next, render};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: evenkeel-simulator drill-next --map example:city-hall \
                        --scenario ransomware --function payroll --top 5")]
pub(super) struct DrillNext {
    #[command(flatten)]
    question: Question,
    /// The function whose promise counts; the one that each drill moves most
    /// unless given.
    #[arg(long, value_name = "ID")]
    function: Option<Id>,
    /// How many to name.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    top: u16,
    /// How to answer.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
    /// Write the answer to a file.
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &DrillNext) -> Result<(), Failure> {
    let asked = args.question.read()?;
    let top = usize::from(args.top);
    let mut plan = drill_next(&asked.job(false), args.function.as_ref(), top, &bar())?;
    for warning in asked.warnings {
        if !plan.notes.contains(&warning) {
            plan.notes.push(warning);
        }
    }
    let text = match args.format {
        Format::Human => render(&plan).into_bytes(),
        Format::Json => json(&plan)?,
    };
    write(args.out.as_deref(), &text)
}

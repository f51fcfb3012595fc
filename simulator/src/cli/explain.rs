//! `explain`: one night as a timeline, and where its hours went.
use std::path::PathBuf;

use super::documents::Question;
use super::{Failure, Format, bar, json, write};
use crate::night::{Told, Which, render};
use crate::{digest, nights, scenario_name};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: evenkeel-simulator explain --map example:city-hall \
                        --scenario ransomware --night bad --function payroll")]
pub(super) struct Explain {
    #[command(flatten)]
    question: Question,
    /// The function it is told for; the one with the longest bad night unless given.
    #[arg(long, value_name = "ID")]
    function: Option<String>,
    /// Which night: `likely` (half are shorter), `bad` (9 in 10 are shorter) or
    /// the number of a trial.
    #[arg(long, default_value = "likely", value_name = "likely|bad|N")]
    night: Which,
    /// Show what does not bear on the function, too.
    #[arg(long)]
    all: bool,
    /// How to answer.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
    /// Write the answer to a file.
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(super) fn explain(args: &Explain) -> Result<(), Failure> {
    let asked = args.question.read()?;
    let job = asked.job(false);
    let nights = nights(&job, &bar())?;
    let (scenario, digest) = (scenario_name(&job), digest(&job));
    let told = Told {
        map: job.map,
        scenario: &scenario,
        digest: &digest,
        nights: &nights,
        seed: job.seed,
    };
    let function = told.function(args.function.as_deref())?;
    let mut night = told.explain(function, args.night);
    for warning in asked.warnings.iter().filter(|w| !nights.notes.contains(w)) {
        night.notes.push(warning.clone());
    }
    let text = match args.format {
        Format::Human => render(&night, args.all).into_bytes(),
        Format::Json => json(&night)?,
    };
    write(args.out.as_deref(), &text)
}

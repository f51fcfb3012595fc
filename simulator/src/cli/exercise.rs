//! `exercise`: one night printed as a tabletop exercise.
use std::path::PathBuf;

use super::documents::Question;
use super::{Failure, Format, bar, json, write};
use crate::exercise::{csv, exercise, markdown};
use crate::night::{Told, Which};
use crate::{digest, nights, scenario_name};

/// The form of the pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// Everything, to be printed: situation, injects, questions, evaluation.
    Md,
    /// The event list, for a spreadsheet.
    Csv,
    /// Everything, for programs.
    Json,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: evenkeel-simulator exercise --map example:city-hall \
                        --scenario ransomware --night bad --out exercise.md")]
pub(super) struct Exercise {
    #[command(flatten)]
    question: Question,
    /// The function it is about; the one with the longest bad night unless given.
    #[arg(long, value_name = "ID")]
    function: Option<String>,
    /// Which night: `likely` (half are shorter), `bad` (9 in 10 are shorter) or
    /// the number of a trial.
    #[arg(long, default_value = "likely", value_name = "likely|bad|N")]
    night: Which,
    /// At most so many injects.
    #[arg(long, default_value_t = 24)]
    most: usize,
    /// In which form.
    #[arg(long, value_enum, default_value_t = Form::Md)]
    format: Form,
    /// Write it to a file.
    #[arg(long)]
    out: Option<PathBuf>,
}

impl Exercise {
    /// How errors are said.
    pub(super) fn errors(&self) -> Format {
        if self.format == Form::Json { Format::Json } else { Format::Human }
    }
}

pub(super) fn run(args: &Exercise) -> Result<(), Failure> {
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
    let night = told.explain(function, args.night);
    let pack = exercise(job.map, job.scenario, &night, args.most);
    let text = match args.format {
        Form::Md => markdown(&pack).into_bytes(),
        Form::Csv => csv(&pack).into_bytes(),
        Form::Json => json(&pack)?,
    };
    write(args.out.as_deref(), &text)
}

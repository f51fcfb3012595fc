//! `run`: one scenario on a map, answered with tables or JSON.
use std::path::{Path, PathBuf};

use evenkeel_config::problem::Problems;
use evenkeel_config::record::Summary;

use super::documents::Question;
use super::{Failure, Format, bar, json, write};
use crate::shard::{self, Shard};
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
    /// Run only shard I of N (the trials k with k mod N = I) and write it as a
    /// document for `merge`; `env` takes both from a Slurm job array, `env/N` the
    /// index alone, as a Kubernetes indexed job gives it. Needs `--trials`.
    #[arg(long, value_name = "I/N", requires = "trials", conflicts_with = "precision")]
    shard: Option<String>,
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
    if let Some(text) = &args.shard {
        let shard = shard_named(text, &|name| std::env::var(name).ok())?;
        let part = shard::run(&job, shard, asked.warnings.clone(), &bar())?;
        return write(args.out.as_deref(), &serde_json::to_vec(&part)?);
    }
    let summary = match args.precision {
        Some(precision) => simulate_until(&job, precision, &bar())?,
        None => simulate(&job, &bar())?,
    };
    answer(summary, asked.warnings, args.format, args.out.as_deref())
}

/// Prints a summary with further warnings.
pub(super) fn answer(
    mut summary: Summary,
    warnings: Vec<String>,
    format: Format,
    out: Option<&Path>,
) -> Result<(), Failure> {
    for warning in warnings {
        if !summary.notes.contains(&warning) {
            summary.notes.push(warning);
        }
    }
    let text = match format {
        Format::Human => table::render(&summary).into_bytes(),
        Format::Json => json(&summary)?,
    };
    write(out, &text)
}

/// A shard as written, or from the environment of a job array.
fn shard_named(
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Shard, Problems> {
    let wrong = |what: String| crate::refusal(what, "write which of how many, as in `--shard 3/8`");
    let number = |text: &str| {
        text.trim()
            .parse::<u64>()
            .map_err(|_| wrong(format!("`{text:.30}` is no number of shards")))
    };
    let variable = |name: &str| {
        let value = environment(name).ok_or_else(|| wrong(format!("`{name}` is not set here")))?;
        number(&value)
    };
    let (index, of) = match text.split_once('/') {
        None if text == "env" => {
            let or = |name: &str, unset| environment(name).map_or(Ok(unset), |text| number(&text));
            let first = or("SLURM_ARRAY_TASK_MIN", 0)?;
            let step = or("SLURM_ARRAY_TASK_STEP", 1)?.max(1);
            let index = variable("SLURM_ARRAY_TASK_ID")?.saturating_sub(first) / step;
            (index, variable("SLURM_ARRAY_TASK_COUNT")?)
        }
        Some(("env", of)) => {
            let name = ["JOB_COMPLETION_INDEX", "SLURM_ARRAY_TASK_ID"]
                .into_iter()
                .find(|name| environment(name).is_some());
            (variable(name.unwrap_or("JOB_COMPLETION_INDEX"))?, number(of)?)
        }
        Some((index, of)) => (number(index)?, number(of)?),
        None => return Err(wrong(format!("`{text:.30}` is no shard"))),
    };
    Shard::new(index, of).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_come_as_written_or_from_a_job_array() {
        let read = |text: &str, set: &[(&str, &str)]| {
            let get = |name: &str| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            shard_named(text, &get).map(|shard| (shard.index, shard.of)).map_err(|e| e.to_string())
        };
        let slurm = [
            ("SLURM_ARRAY_TASK_ID", "9"),
            ("SLURM_ARRAY_TASK_MIN", "1"),
            ("SLURM_ARRAY_TASK_STEP", "2"),
            ("SLURM_ARRAY_TASK_COUNT", "8"),
        ];
        assert_eq!(read("3/8", &[]), Ok((3, 8)));
        assert_eq!(read("env", &slurm), Ok((4, 8)));
        assert_eq!(read("env/6", &[("JOB_COMPLETION_INDEX", "2")]), Ok((2, 6)));
        for wrong in ["8/8", "0/0", "a/8", "3", "env", "-1/2", "env/x"] {
            assert!(read(wrong, &[]).is_err_and(|error| error.contains("--shard 3/8")), "{wrong}");
        }
    }
}

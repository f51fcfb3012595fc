//! `merge`: the answer of all shards of a run, the same as of one run.
use std::path::PathBuf;

use evenkeel_config::problem::{Place, Problems};

use super::{Failure, Format, run};
use crate::shard::{self, Part};

#[derive(Debug, clap::Args)]
pub(super) struct Merge {
    /// The documents that `run --shard` wrote, all of one run, in any order.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// How to answer.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
    /// Write the answer to a file.
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(super) fn merge(args: &Merge) -> Result<(), Failure> {
    let mut problems = Problems::default();
    let mut parts: Vec<(String, Part)> = Vec::new();
    for path in &args.files {
        let name = path.display().to_string();
        let text = std::fs::read(path).map_err(|error| error.to_string());
        match text.and_then(|text| serde_json::from_slice(&text).map_err(|e| e.to_string())) {
            Ok(part) => parts.push((name, part)),
            Err(why) => {
                let place = Place { file: name, ..Place::default() };
                let hint = "name the files that `run --shard I/N --out FILE` wrote";
                problems.error(place, format!("is no shard: {why}"), hint);
            }
        }
    }
    if problems.is_fatal() {
        return Err(problems.into());
    }
    let (summary, warnings) = shard::merge(parts)?;
    run::answer(summary, warnings, args.format, args.out.as_deref())
}

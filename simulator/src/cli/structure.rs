//! `structure`: what each function hangs on, counted exactly, before anything happens.
use std::path::PathBuf;

use evenkeel_config::id::Id;
use evenkeel_config::load::Loaded;

use super::documents::load_map;
use super::{Failure, Format, json, write};
use crate::structure;

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Structure {
    /// Map: a file, a folder of files, or `example:NAME`.
    #[arg(long)]
    map: String,
    /// Answer for this function alone; may be given several times.
    #[arg(long, value_name = "ID")]
    function: Vec<Id>,
    /// Look for combinations of up to so many failures at once.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=3))]
    order: u32,
    /// How to answer.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
    /// Write the answer to a file.
    #[arg(long)]
    out: Option<PathBuf>,
}

const AFTER: &str = "\
How often components fail stands on the map: `availability = 0.999`, or `mtbf = \"3y\"` and `mttr = \"8h\"`.
What states neither counts as always up.

What the columns mean:
  Down by itself       hours a year in which this part is down, whatever else happens
  Keeps it down        of 100 hours down, those in which this part alone would end it (criticality)
  Has a part in it     of 100 hours down, those in which this part is down with all others of a combination
                       that stops the function (Fussell-Vesely)
  If it never failed   what downtime would be left, and by what it shrinks (risk reduction worth)
  If it never worked   what downtime there would be, and by what it grows (risk achievement worth)
  It decides           how often the function is up if this part is, and down if not (Birnbaum)

What is too entangled to be counted is said; everything else is told, and the exit code is 2.

Example: evenkeel-simulator structure --map example:city-hall --function payroll";

pub(super) fn structure(args: &Structure) -> Result<(), Failure> {
    let Loaded { value: map, .. } = load_map(&args.map)?;
    let answer = structure::structure(&map, &args.function, args.order)?;
    let text = match args.format {
        Format::Human => structure::render(&answer).into_bytes(),
        Format::Json => json(&answer)?,
    };
    write(args.out.as_deref(), &text)?;
    match structure::refused(&answer).as_slice() {
        [] => Ok(()),
        refused => Err(Failure::InPart(refused.join("; "))),
    }
}

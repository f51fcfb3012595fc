//! `validate`: everything that is wrong with a map or a scenario.
use evenkeel_config::load::{Loaded, check_scenario};
use evenkeel_config::problem::Place;
use evenkeel_config::record::SCHEMA_VERSION;

use super::documents::{load_map, load_scenario};
use super::{Failure, Format, write};
use crate::words;

#[derive(Debug, clap::Args)]
pub(super) struct Validate {
    /// Map: a file, a folder of files, or `example:NAME`.
    #[arg(long)]
    map: String,
    /// Scenario to hold against it.
    #[arg(long)]
    scenario: Option<String>,
    /// How to answer.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
}

pub(super) fn validate(args: &Validate) -> Result<(), Failure> {
    let Loaded { value: map, warnings: mut problems } = load_map(&args.map)?;
    if let Some(name) = &args.scenario {
        let scenario = load_scenario(name, &args.map)?;
        check_scenario(&scenario, &map, &mut problems);
        if !problems.is_fatal() && !scenario.modifier {
            for note in crate::validate(&map, &scenario)? {
                problems.warning(Place::default(), note, "");
            }
        }
    }
    if problems.is_fatal() {
        return Err(problems.into());
    }
    let text = match args.format {
        Format::Human => {
            let count = map.components.len();
            let warnings: String = problems.list.iter().map(|p| format!("{p}\n")).collect();
            let verdict = match problems.list.len() {
                0 => "nothing wrong".to_owned(),
                1 => "nothing wrong, one warning".to_owned(),
                n => format!("nothing wrong, {n} warnings"),
            };
            let text = format!("{warnings}{count} components, {verdict}\n");
            text.lines().map(|line| words::plain(line) + "\n").collect()
        }
        Format::Json => {
            let body = serde_json::json!({
                "schema_version": SCHEMA_VERSION,
                "components": map.components.len(),
                "warnings": problems.list,
            });
            format!("{body}\n")
        }
    };
    write(None, text.as_bytes())
}

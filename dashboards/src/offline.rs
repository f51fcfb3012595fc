//! `report` and `status`: answers from what is stored, without serving.
use std::path::Path;
use std::process::ExitCode;

use evenkeel_config::record::SCHEMA_VERSION;
use jiff::Timestamp;

use crate::cli::{Failure, Format, What, print, say};
use crate::keeper::Depth;
use crate::picture::{Ask, Picture};
use crate::{organisation, pages, paths, terminal};

/// Writes the report; an existing file is replaced whole or not at all.
///
/// # Errors
/// There is no such scenario, the map has problems, or the file cannot be written.
pub(crate) fn report(
    data: &Path,
    what: &What,
    scenario: Option<String>,
    out: &Path,
) -> Result<ExitCode, Failure> {
    let picture = picture(data, what, Depth::All)?;
    if let Some(asked) = &scenario {
        let known: Vec<&str> = picture.summaries.iter().map(|s| s.scenario.id.as_str()).collect();
        if !known.contains(&asked.as_str()) {
            let words = format!("there is no result for the scenario `{asked}`");
            return Err(Failure::other(format!("{words}\n  hint: choose {}", known.join(", "))));
        }
    }
    let page = pages::report::self_contained(&picture, &Ask { scenario, function: None });
    let failed = |error: std::io::Error| {
        Failure::other(format!("cannot write the report to {}: {error}", out.display()))
    };
    let unfinished = out.with_extension("unfinished");
    std::fs::write(&unfinished, page).map_err(failed)?;
    std::fs::rename(&unfinished, out).map_err(failed)?;
    say(&format!("wrote {}", out.display()));
    Ok(ExitCode::SUCCESS)
}

/// Prints what is known and predicted.
///
/// # Errors
/// The map has problems, or the history cannot be used.
pub(crate) fn status(data: &Path, what: &What, format: Format) -> Result<ExitCode, Failure> {
    let picture = picture(data, what, Depth::Fixes)?;
    let text = match format {
        Format::Human => {
            terminal::whole(&picture, picture.summary(&Ask::default()), terminal::width())
        }
        Format::Json => shown(&picture, format)?,
    };
    print(&text);
    Ok(ExitCode::SUCCESS)
}

/// The picture in words, or as a document.
///
/// # Errors
/// None that a valid picture can bring about.
pub(crate) fn shown(picture: &Picture, format: Format) -> Result<String, Failure> {
    Ok(match format {
        Format::Human => {
            terminal::summary(picture, picture.summary(&Ask::default()), terminal::width())
        }
        Format::Json => {
            let checks = picture.hosts.values().flat_map(|host| host.checks.values());
            let document = serde_json::json!({
                "schema_version": SCHEMA_VERSION,
                "organisation": picture.organisation,
                "as_of": picture.as_of,
                "cannot": picture.cannot,
                "evidence": checks.collect::<Vec<_>>(),
                "rule_32110": picture.rule(),
                "summaries": picture.summaries,
            });
            serde_json::to_string_pretty(&document)? + "\n"
        }
    })
}

fn picture(data: &Path, what: &What, depth: Depth) -> Result<Picture, Failure> {
    let folder = organisation::folder(data, what);
    if what.example.is_none() && !organisation::own_map(&folder).exists() {
        let words = format!("nothing is recorded yet in {}", folder.display());
        return Err(Failure::other(format!("{words}\n  hint: run `evenkeel up` first")));
    }
    paths::make(&folder).map_err(Failure::other)?;
    let mut keeper = organisation::open(data, what, Vec::new())?;
    keeper.collect()?;
    Ok(keeper.picture(Timestamp::now(), depth, false, &|words| say(words))?)
}

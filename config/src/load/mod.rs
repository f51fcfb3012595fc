//! Reading documents: files or text in, resolved types out, or every problem at once.
mod source;

use std::collections::BTreeMap;

pub use source::{Source, read_sources};

use crate::id::Id;
use crate::map::{Component, DependencyMap, MapDocument};
use crate::problem::{Place, Problems};
use crate::record::EvidenceSet;
use crate::scenario::Scenario;

/// A value that was read, and what is worth saying about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded<T> {
    /// The resolved value.
    pub value: T,
    /// Warnings; never errors.
    pub warnings: Problems,
}

/// Reads a map from one or several sources, which are laid together.
///
/// # Errors
/// Every problem of every source.
pub fn map_from(sources: &[Source]) -> Result<Loaded<DependencyMap>, Problems> {
    let mut problems = Problems::default();
    let mut table = toml::Table::new();
    for source in sources {
        match source.text.parse::<toml::Table>() {
            Ok(part) => merge(&mut table, part),
            Err(error) => problems.error(source.place(), error.message().to_owned(), ""),
        }
    }
    if problems.is_fatal() {
        return Err(problems);
    }
    match MapDocument::deserialize_table(table) {
        Ok(document) => resolve(document).map(|value| Loaded { value, warnings: problems }),
        Err(what) => {
            problems.error(Place::default(), what, "");
            Err(problems)
        }
    }
}

/// Resolves a map document that is already parsed.
///
/// # Errors
/// Every problem: ids that do not exist, ids used twice, wrong kinds.
pub fn resolve(document: MapDocument) -> Result<DependencyMap, Problems> {
    let mut problems = Problems::default();
    let mut components: BTreeMap<Id, Component> = BTreeMap::new();
    for component in document.components() {
        let key = format!("{}.{}", component.kind.key(), component.id);
        if let Some(earlier) = components.insert(component.id.clone(), component) {
            let place = Place { key, ..Place::default() };
            problems.error(
                place,
                format!("the id is already used by a {}", earlier.kind.key()),
                "",
            );
        }
    }
    if problems.is_fatal() {
        return Err(problems);
    }
    Ok(DependencyMap {
        organisation: document.organisation.clone(),
        components,
        fixes: document.fix.clone(),
        document,
    })
}

/// Reads a scenario; its id is the source's file stem unless stated.
///
/// # Errors
/// Every problem of the source.
pub fn scenario_from(source: &Source) -> Result<Loaded<Scenario>, Problems> {
    let mut problems = Problems::default();
    match toml::from_str::<Scenario>(&source.text) {
        Ok(mut value) => {
            if value.id.is_empty() {
                value.id = source.stem().replace('-', "_");
            }
            Ok(Loaded { value, warnings: problems })
        }
        Err(error) => {
            problems.error(source.place(), error.message().to_owned(), "");
            Err(problems)
        }
    }
}

/// Reads an evidence set that a program wrote; unknown fields are ignored.
///
/// # Errors
/// The one place where the text is not such a document.
pub fn evidence_from(source: &Source) -> Result<EvidenceSet, Problems> {
    serde_json::from_str(&source.text).map_err(|error| {
        let mut problems = Problems::default();
        let place = Place { line: error.line(), column: error.column(), ..source.place() };
        problems.error(place, format!("this is no evidence set: {error}"), "");
        problems
    })
}

/// Lays `part` over `table`: tables are joined key by key, anything else replaces.
fn merge(table: &mut toml::Table, part: toml::Table) {
    for (key, value) in part {
        match (table.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => merge(below, above),
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}

//! Reading a dependency map and resolving its document.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use schemars::{Schema, schema_for};
use serde::Deserialize;

use super::places::Places;
use super::source::Source;
use super::tree::Node;
use super::{Loaded, document, semantic, walk};
use crate::id::Id;
use crate::map::{Component, DependencyMap, MapDocument};
use crate::problem::Problems;

/// Made once: it is the largest of all, and a map is held against it three times.
pub(super) static SCHEMA: LazyLock<Schema> = LazyLock::new(|| schema_for!(MapDocument));

/// Reads a map from one or several sources, which are laid together.
///
/// # Errors
/// Every problem of every source.
pub fn map_from(sources: &[Source]) -> Result<Loaded<DependencyMap>, Problems> {
    let mut problems = Problems::default();
    let root = document::read(sources, &mut problems);
    if problems.is_fatal() {
        return problems.refuse();
    }
    document::hold(&root, &SCHEMA, sources, &mut problems);
    document::hold_pieces(&root, ("fix", "set"), &SCHEMA, sources, &mut problems);
    if problems.is_fatal() {
        unknown_ids(&root, sources, &mut problems);
        return problems.refuse();
    }
    let places = Places::new(sources, &root);
    match MapDocument::deserialize(root.plain()) {
        Ok(document) => {
            let map = build(document, places, true, &mut problems);
            problems.settle(map)
        }
        Err(error) => {
            problems.error(places.of(""), error.message().trim().to_owned(), "");
            problems.refuse()
        }
    }
}

/// Adds the ids that exist nowhere to the problems of a document that is not
/// fit to be resolved.
fn unknown_ids(root: &Node, sources: &[Source], problems: &mut Problems) {
    let mut known = BTreeSet::new();
    ids_of(root, &mut known);
    let fixes = root.table().and_then(|table| table.get("fix")?.node.table());
    for piece in fixes.into_iter().flatten().filter_map(|(_, fix)| fix.node.table()?.get("set")) {
        ids_of(&piece.node, &mut known);
    }
    walk::unknown_ids(root, SCHEMA.as_value(), &known, Places::new(sources, root), problems);
}

/// The keys of the tables of all kinds.
fn ids_of(root: &Node, known: &mut BTreeSet<String>) {
    let kinds = root.table().into_iter().flatten().filter(|(key, _)| *key != "fix");
    for (_, entry) in kinds {
        known.extend(entry.node.table().into_iter().flat_map(|table| table.keys().cloned()));
    }
}

/// Resolves a map document that is already parsed.
///
/// # Errors
/// Every problem: ids that do not exist, ids used twice, wrong kinds.
pub fn resolve(document: MapDocument) -> Result<DependencyMap, Problems> {
    let mut problems = Problems::default();
    let map = build(document, Places::NONE, true, &mut problems);
    problems.settle(map).map(|loaded| loaded.value)
}

/// Resolves the document of a map, as a program wrote it.
///
/// # Errors
/// Everything that is wrong with the map.
pub fn map_from_document(document: MapDocument) -> Result<DependencyMap, Problems> {
    resolve_patched(document, Problems::default())
}

/// Resolves the document of a map that a fix was laid over.
pub(crate) fn resolve_patched(
    document: MapDocument,
    mut problems: Problems,
) -> Result<DependencyMap, Problems> {
    let map = build(document, Places::NONE, false, &mut problems);
    problems.settle(map).map(|loaded| loaded.value)
}

/// Resolves a document and judges the map that comes of it.
fn build(
    document: MapDocument,
    places: Places<'_>,
    whole: bool,
    problems: &mut Problems,
) -> DependencyMap {
    let mut components: BTreeMap<Id, Component> = BTreeMap::new();
    for component in document.components() {
        let key = format!("{}.{}", component.kind.key(), component.id);
        if let Some(earlier) = components.get(&component.id) {
            let other = places.of(&format!("{}.{}", earlier.kind.key(), earlier.id));
            let what = format!("the id `{}` is already used at {other}", component.id);
            problems.error(
                places.of(&key),
                what,
                "ids are unique across kinds; give one another id",
            );
            continue;
        }
        components.insert(component.id.clone(), component);
    }
    let organisation = document.organisation.clone();
    let map = DependencyMap {
        organisation,
        calibration: document.calibration.clone(),
        components,
        fixes: document.fix.clone(),
        document,
    };
    semantic::judge(&map, places, whole, problems);
    map
}

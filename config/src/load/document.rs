//! One or several texts as one checked tree: syntax, keys and types.
use schemars::{JsonSchema, Schema, schema_for};
use serde::de::DeserializeOwned;

use super::places::Places;
use super::source::Source;
use super::tree::{self, Entry, Node, Table, Value};
use super::walk::walk;
use crate::problem::Problems;

/// Reads the sources and lays them together; a key that stands in two is an error.
pub(crate) fn read(sources: &[Source], problems: &mut Problems) -> Node {
    let mut root = Node::default();
    for (file, source) in sources.iter().enumerate() {
        let part = tree::read(source, file, problems);
        if let (Value::Table(below), Value::Table(above)) = (&mut root.value, part.value) {
            lay(below, above, "", sources, problems);
        }
    }
    root
}

/// Holds the tree against a schema.
pub(crate) fn hold(root: &Node, schema: &Schema, sources: &[Source], problems: &mut Problems) {
    walk(root, schema.as_value(), "", false, Places::new(sources, root), problems);
}

/// Reads one document whose every key is known, with its tree for places.
pub(crate) fn strict<T>(source: &Source, problems: &mut Problems) -> Option<(T, Node)>
where
    T: JsonSchema + DeserializeOwned,
{
    let sources = std::slice::from_ref(source);
    let root = read(sources, problems);
    if !problems.is_fatal() {
        hold(&root, &schema_for!(T), sources, problems);
    }
    if problems.is_fatal() {
        return None;
    }
    match T::deserialize(root.plain()) {
        Ok(value) => Some((value, root)),
        Err(error) => {
            problems.error(source.place(), error.message().trim().to_owned(), "");
            None
        }
    }
}

/// Holds the piece of a document that stands at one of its keys against another
/// document's schema; none of that document's tables must be there.
pub(crate) fn hold_piece(
    root: &Node,
    key: &str,
    schema: &Schema,
    sources: &[Source],
    problems: &mut Problems,
) {
    if let Some(piece) = root.table().and_then(|table| table.get(key)) {
        walk(&piece.node, schema.as_value(), key, true, Places::new(sources, root), problems);
    }
}

/// Holds pieces of a document, which stand at `[outer.ID.inner]`, against its
/// schema; none of the tables must be there.
pub(crate) fn hold_pieces(
    root: &Node,
    (outer, inner): (&str, &str),
    schema: &Schema,
    sources: &[Source],
    problems: &mut Problems,
) {
    let entries = root.table().and_then(|table| table.get(outer)?.node.table());
    for (id, entry) in entries.into_iter().flatten() {
        if let Some(piece) = entry.node.table().and_then(|table| table.get(inner)) {
            let key = format!("{outer}.{id}.{inner}");
            walk(&piece.node, schema.as_value(), &key, true, Places::new(sources, root), problems);
        }
    }
}

/// Joins `above` into `below`, whose tables are joined one level deep: the
/// tables of each kind grow, a component stands in one file alone.
fn lay(below: &mut Table, above: Table, outer: &str, sources: &[Source], problems: &mut Problems) {
    for (key, entry) in above {
        let path = if outer.is_empty() { key.clone() } else { format!("{outer}.{key}") };
        let Some(earlier) = below.get_mut(&key) else {
            below.insert(key, entry);
            continue;
        };
        if let (Value::Table(below), Value::Table(_), true) =
            (&mut earlier.node.value, &entry.node.value, outer.is_empty())
        {
            if let Value::Table(above) = entry.node.value {
                lay(below, above, &path, sources, problems);
            }
        } else {
            doubled(earlier, &entry, &path, sources, problems);
        }
    }
}

fn doubled(
    earlier: &Entry,
    entry: &Entry,
    path: &str,
    sources: &[Source],
    problems: &mut Problems,
) {
    let places = Places::new(sources, &entry.node);
    let first = places.at(earlier.key_at, "");
    let what = format!("`{path}` already stands at {first}");
    problems.error(
        places.at(entry.key_at, path),
        what,
        "keep one of the two, or give this one another id",
    );
}

//! From a key path such as `host.srv-erp.needs[1]` to file, line and column.
use super::source::Source;
use super::tree::{At, Node, Value};
use crate::problem::Place;

/// Where the keys of a document stand; empty for a document that came from no text.
#[derive(Clone, Copy)]
pub(crate) struct Places<'a> {
    sources: &'a [Source],
    root: Option<&'a Node>,
}

impl<'a> Places<'a> {
    /// Places of a tree that was read from these sources.
    pub(crate) fn new(sources: &'a [Source], root: &'a Node) -> Self {
        Self { sources, root: Some(root) }
    }

    /// No place but the key path itself.
    pub(crate) const NONE: Places<'static> = Places { sources: &[], root: None };

    /// A known position under a key path.
    pub(crate) fn at(&self, at: At, key: &str) -> Place {
        let file = self.sources.get(at.file).map(|source| source.name.clone()).unwrap_or_default();
        Place { file, line: at.line, column: at.column, key: key.to_owned() }
    }

    /// The position of a key path, or of the nearest table above it that is
    /// written; the first file when none is.
    pub(crate) fn of(&self, key: &str) -> Place {
        let (Ok(at) | Err(at)) = self.find(key);
        self.at(at, key)
    }

    fn find(&self, key: &str) -> Result<At, At> {
        let mut node = self.root.ok_or_else(At::default)?;
        let mut nearest = At::default();
        for segment in segments(key) {
            let next = match (&node.value, segment) {
                (Value::Table(table), Segment::Key(key)) => {
                    table.get(key).map(|entry| (entry.key_at, &entry.node))
                }
                (Value::List(list), Segment::Index(index)) => {
                    list.get(index).map(|node| (node.at, node))
                }
                _ => None,
            };
            let Some((key_at, below)) = next else { return Err(nearest) };
            nearest = if below.table().is_some() { key_at } else { below.at };
            node = below;
        }
        Ok(nearest)
    }
}

enum Segment<'a> {
    Key(&'a str),
    Index(usize),
}

fn segments(key: &str) -> impl Iterator<Item = Segment<'_>> {
    key.split(['.', '[']).filter(|part| !part.is_empty()).map(|part| {
        match part.strip_suffix(']').and_then(|index| index.parse().ok()) {
            Some(index) => Segment::Index(index),
            None => Segment::Key(part),
        }
    })
}

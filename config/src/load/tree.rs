//! TOML texts as one tree that remembers where every key and value stands.
use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::source::Source;
use crate::problem::{Place, Problems};

/// A position in one of the sources; line and column count from one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct At {
    pub(crate) file: usize,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// A value and where it begins.
#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    pub(crate) at: At,
    pub(crate) value: Value,
}

/// A value; dates are kept as the text that was written.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(String),
    Date(String),
    Integer(i64),
    Float(f64),
    /// A number that is not finite or does not fit.
    BadNumber(String),
    Flag(bool),
    List(Vec<Node>),
    Table(Table),
}

/// A table, ordered by key, so that the order of a file changes nothing.
pub(crate) type Table = BTreeMap<String, Entry>;

/// A key's value and where the key stands.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key_at: At,
    pub(crate) node: Node,
}

impl Default for Value {
    fn default() -> Self {
        Self::Table(Table::new())
    }
}

impl Value {
    /// What it is, with its article.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Date(_) => "a date",
            Self::Integer(_) | Self::Float(_) | Self::BadNumber(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

impl Node {
    /// The table, if it is one.
    pub(crate) fn table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The same without positions; dates become texts.
    pub(crate) fn plain(&self) -> toml::Value {
        match &self.value {
            Value::Text(text) | Value::Date(text) => toml::Value::String(text.clone()),
            Value::Integer(number) => toml::Value::Integer(*number),
            Value::Float(number) => toml::Value::Float(*number),
            Value::BadNumber(_) => toml::Value::Float(0.0),
            Value::Flag(flag) => toml::Value::Boolean(*flag),
            Value::List(list) => toml::Value::Array(list.iter().map(Self::plain).collect()),
            Value::Table(table) => toml::Value::Table(plain_table(table)),
        }
    }
}

/// A table without positions.
pub(crate) fn plain_table(table: &Table) -> toml::Table {
    table.iter().map(|(key, entry)| (key.clone(), entry.node.plain())).collect()
}

/// Reads one source; every fault of its syntax becomes a problem.
pub(crate) fn read(source: &Source, file: usize, problems: &mut Problems) -> Node {
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    let lines = Lines::of(text, file);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let at = error.span().map(|span| lines.at(span.start)).unwrap_or_default();
        let (what, hint) = explain(error.message());
        problems.error(Place { line: at.line, column: at.column, ..source.place() }, what, hint);
    }
    let at = At { file, line: 1, column: 1 };
    Node { at, value: Value::Table(lines.table(table.get_ref())) }
}

/// The parser's words, and advice where they alone do not help.
fn explain(message: &str) -> (String, &'static str) {
    let hint = if message.contains("duplicate key") {
        "each key and each table may stand once; join the two"
    } else if message.contains("string") || message.contains("quot") {
        "texts stand in double quotes, as in `rto = \"8h\"`"
    } else if message.contains("date") || message.contains("time") {
        "dates are written `2026-11-30` and `2026-11-30T22:00:00`"
    } else if message.contains("recurs") {
        "tables and lists may be nested 80 deep"
    } else {
        "the file must be TOML, such as `[host.srv-1]` and `site = \"town-hall\"`"
    };
    (format!("this is not TOML: {message}"), hint)
}

/// Starts of lines, to turn offsets into lines and columns.
struct Lines<'a> {
    text: &'a str,
    file: usize,
    starts: Vec<usize>,
}

/// Columns further right are not counted: the line alone is given.
const WIDEST_LINE: usize = 4096;

impl<'a> Lines<'a> {
    fn of(text: &'a str, file: usize) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(index, _)| index + 1)).collect();
        Self { text, file, starts }
    }

    fn table(&self, table: &DeTable<'_>) -> Table {
        let mut out = Table::new();
        for (key, value) in table {
            let key_at = self.at(key.span().start);
            let node = self.node(value);
            out.insert(key.get_ref().to_string(), Entry { key_at, node });
        }
        out
    }

    fn node(&self, value: &Spanned<DeValue<'_>>) -> Node {
        let at = self.at(value.span().start);
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Datetime(date) => Value::Date(date.to_string()),
            DeValue::Boolean(flag) => Value::Flag(*flag),
            DeValue::Integer(number) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Value::Integer(number),
                    Err(_) => Value::BadNumber(number.to_string()),
                }
            }
            DeValue::Float(number) => match number.as_str().parse::<f64>() {
                Ok(number) if number.is_finite() => Value::Float(number),
                _ => Value::BadNumber(number.to_string()),
            },
            DeValue::Array(list) => Value::List(list.iter().map(|part| self.node(part)).collect()),
            DeValue::Table(table) => Value::Table(self.table(table)),
        };
        Node { at, value }
    }

    fn at(&self, offset: usize) -> At {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts[line - 1];
        let column = if offset - start > WIDEST_LINE {
            0
        } else {
            self.text.get(start..offset).map_or(0, |before| before.chars().count() + 1)
        };
        At { file: self.file, line, column }
    }
}

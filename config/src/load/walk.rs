//! Holds a document against its JSON schema and collects every difference.
use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value as Json;

use super::formats::{self, Format};
use super::nearest::{did_you_mean, list};
use super::places::Places;
use super::shape::{Schemas, choices, first_sentence, range};
use super::tree::{At, Node, Table, Value};
use crate::id::Id;
use crate::law::Law;
use crate::problem::Problems;

/// Longest text that names something on a page.
const LONGEST_NAME: usize = 200;
/// Longest text of any other kind, such as a note or a story.
const LONGEST_TEXT: usize = 20_000;
/// Keys whose text stands in headings and lists.
const NAMES: &[&str] = &["name", "title", "role", "step", "question", "summary"];

/// Holds `node` against `schema`. With `partial`, keys missing at the top are no fault.
pub(crate) fn walk<'a>(
    node: &Node,
    schema: &'a Json,
    key: &str,
    partial: bool,
    places: Places<'a>,
    problems: &'a mut Problems,
) {
    let mut walker =
        Walker { schemas: Schemas { defs: &schema["$defs"] }, known: None, places, problems };
    if partial {
        walker.top(node, schema, key);
    } else {
        walker.node(node, schema, key);
    }
}

/// Reports ids that stand somewhere in `node` and are not known, and nothing
/// else: for a document that has other faults, so that one reading shows all.
pub(crate) fn unknown_ids<'a>(
    node: &Node,
    schema: &'a Json,
    known: &'a BTreeSet<String>,
    places: Places<'a>,
    problems: &'a mut Problems,
) {
    Walker { schemas: Schemas { defs: &schema["$defs"] }, known: Some(known), places, problems }
        .node(node, schema, "");
}

struct Walker<'a> {
    schemas: Schemas<'a>,
    /// The ids that exist, when only unknown ones are to be reported.
    known: Option<&'a BTreeSet<String>>,
    places: Places<'a>,
    problems: &'a mut Problems,
}

impl<'a> Walker<'a> {
    /// Checks the tables of a piece of a document, none of which must be there.
    fn top(&mut self, node: &Node, schema: &'a Json, key: &str) {
        let Some(table) = node.table() else {
            return self.error(node.at, key, "expected a table", "");
        };
        for (name, entry) in table {
            let path = join(key, name);
            match &schema["properties"][name] {
                Json::Null => self.unknown(entry.key_at, schema, name, &path),
                _ if name == "fix" => {
                    self.error(entry.key_at, &path, "a fix cannot change fixes", "leave it out");
                }
                _ if name == "calibration" => {
                    let what = "a fix cannot change how facts are read";
                    self.error(entry.key_at, &path, what, "leave it out");
                }
                below if name == "organisation" => {
                    let below = self.schemas.resolve(below);
                    self.known_keys(&entry.node, below, &path);
                }
                below => self.node(&entry.node, below, &path),
            }
        }
    }

    fn node(&mut self, node: &Node, schema: &'a Json, key: &str) {
        let schema = self.schemas.resolve(schema);
        let before = self.problems.list.len();
        if let Some(branches) = schema["anyOf"].as_array() {
            self.any_of(node, branches, key);
        } else if let Some(choices) = choices(schema) {
            self.choice(node, &choices, key);
        } else {
            self.typed(node, schema, key);
        }
        let whole = self.problems.list.len() == before;
        if whole
            && schema["format"] == "law"
            && let Err(error) = Law::deserialize(node.plain())
        {
            let (what, hint) = law_fault(error.message());
            self.error(node.at, key, what, hint);
        }
    }

    fn typed(&mut self, node: &Node, schema: &'a Json, key: &str) {
        if let Value::BadNumber(text) = &node.value {
            return self.error(node.at, key, bad_number(text), BAD_NUMBER);
        }
        if !self.schemas.fits(node, schema) {
            let wanted = self.schemas.wanted(schema);
            return self.wrong_type(node, &[wanted], schema, key);
        }
        match &node.value {
            Value::Table(_) => {
                self.known_keys(node, schema, key);
                self.required(node, schema, key);
            }
            Value::List(parts) => self.list(node, parts, schema, key),
            Value::Text(text) | Value::Date(text) => self.text(node, text, schema, key),
            Value::Integer(number) => self.number(node, *number as f64, schema, key),
            Value::Float(number) => self.number(node, *number, schema, key),
            Value::Flag(_) | Value::BadNumber(_) => {}
        }
    }

    fn known_keys(&mut self, node: &Node, schema: &'a Json, key: &str) {
        let Some(table) = node.table() else { return };
        let of_ids = schema["patternProperties"].as_object().and_then(|map| map.values().next());
        for (name, entry) in table {
            let path = join(key, name);
            let below = &schema["properties"][name];
            if !below.is_null() {
                self.node(&entry.node, below, &path);
            } else if let Some(below) = of_ids {
                match name.parse::<Id>() {
                    Ok(_) => self.node(&entry.node, below, &path),
                    Err(error) => {
                        let (what, hint) = formats::id(&error);
                        self.error(entry.key_at, key, what, hint);
                    }
                }
            } else if schema["additionalProperties"].is_object() {
                self.node(&entry.node, &schema["additionalProperties"], &path);
            } else if schema["additionalProperties"] == Json::Bool(false) {
                self.unknown(entry.key_at, schema, name, &path);
            }
        }
    }

    fn required(&mut self, node: &Node, schema: &'a Json, key: &str) {
        let (Some(table), Some(names)) = (node.table(), schema["required"].as_array()) else {
            return;
        };
        for name in names.iter().filter_map(Json::as_str).filter(|name| !table.contains_key(*name))
        {
            let below = &schema["properties"][name];
            let example = self.schemas.example(below);
            let written = match (key.is_empty(), example.starts_with('{')) {
                (true, true) => format!("[{name}]"),
                _ => format!("{name} = {example}"),
            };
            let hint = format!("add `{written}`: {}", first_sentence(below));
            self.error(node.at, key, format!("the key `{name}` is missing"), hint);
        }
    }

    fn unknown(&mut self, at: At, schema: &'a Json, name: &str, path: &str) {
        let names: Vec<&str> = schema["properties"]
            .as_object()
            .map(|map| map.keys().map(String::as_str).collect())
            .unwrap_or_default();
        let inside = names.iter().find(|outer| {
            let below =
                self.schemas.resolve(self.schemas.only_branch(&schema["properties"][**outer]));
            !below["properties"][name].is_null()
        });
        let hint = match (inside, did_you_mean(name, names.iter().copied())) {
            (Some(outer), _) => {
                format!("it stands inside `{outer}`, as in `{outer} = {{ {name} = .. }}`")
            }
            (None, Some(near)) => format!("did you mean `{near}`?"),
            (None, None) => format!("the keys here are {}", list(names.iter().copied())),
        };
        let shown: String = name.chars().take(60).collect();
        self.error(at, path, format!("the key `{shown}` is not known"), hint);
    }

    fn any_of(&mut self, node: &Node, branches: &'a [Json], key: &str) {
        let branches: Vec<&'a Json> = branches
            .iter()
            .map(|branch| self.schemas.resolve(branch))
            .filter(|branch| branch["type"] != "null")
            .collect();
        let fitting: Vec<&'a Json> =
            branches.iter().copied().filter(|branch| self.schemas.fits(node, branch)).collect();
        match (fitting.as_slice(), node.table()) {
            ([], _) => match branches.as_slice() {
                [only] => self.node(node, only, key),
                several => {
                    let mut wanted: Vec<String> =
                        several.iter().map(|branch| self.schemas.wanted(branch)).collect();
                    wanted.dedup();
                    self.wrong_type(node, &wanted, several[0], key);
                }
            },
            ([only], _) => self.node(node, only, key),
            (several, Some(table)) => self.best_table(node, table, several, key),
            (several, None) => self.node(node, several[0], key),
        }
    }

    /// Of several kinds of table, the one that has most of the keys.
    fn best_table(&mut self, node: &Node, table: &Table, branches: &[&'a Json], key: &str) {
        let matching = |branch: &Json| {
            table.keys().filter(|name| !branch["properties"][name.as_str()].is_null()).count()
        };
        let best = branches.iter().copied().rev().max_by_key(|branch| matching(branch));
        match best {
            Some(best) if matching(best) > 0 => self.node(node, best, key),
            _ => {
                let forms: Vec<String> = branches
                    .iter()
                    .filter_map(|branch| branch["required"].as_array())
                    .map(|names| {
                        let names: Vec<&str> = names.iter().filter_map(Json::as_str).collect();
                        format!("`{}`", names.join("` and `"))
                    })
                    .collect();
                let hint = format!("give {}", forms.join(", or "));
                self.error(node.at, key, "the table has none of the keys expected here", hint);
            }
        }
    }

    fn choice(&mut self, node: &Node, choices: &[&str], key: &str) {
        let all = || format!("write one of {}", list(choices.iter().copied()));
        match &node.value {
            Value::Text(text) if choices.contains(&text.as_str()) => {}
            Value::Text(text) => {
                let hint = match did_you_mean(text, choices.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => all(),
                };
                let shown: String = text.chars().take(40).collect();
                self.error(
                    node.at,
                    key,
                    format!("`{shown}` is none of the words known here"),
                    hint,
                );
            }
            other => {
                self.error(node.at, key, format!("expected a word, found {}", other.kind()), all());
            }
        }
    }

    fn list(&mut self, node: &Node, parts: &[Node], schema: &'a Json, key: &str) {
        let least = schema["minItems"].as_u64().unwrap_or(0);
        let most = schema["maxItems"].as_u64().unwrap_or(u64::MAX);
        if !(least..=most).contains(&(parts.len() as u64)) {
            let hint = format!("write {least} values, as in `{}`", self.schemas.example(schema));
            self.error(node.at, key, format!("the list has {} values", parts.len()), hint);
            return;
        }
        for (index, part) in parts.iter().enumerate() {
            let below = match &schema["prefixItems"][index] {
                Json::Null => &schema["items"],
                below => below,
            };
            self.node(part, below, &format!("{key}[{index}]"));
        }
    }

    fn text(&mut self, node: &Node, text: &str, schema: &'a Json, key: &str) {
        if let Some(format) = schema["format"].as_str().and_then(Format::named) {
            self.known_id(node, text, format, key);
            if let Err((what, hint)) = format.check(text) {
                self.error(node.at, key, what, hint);
            }
            return;
        }
        let name = key.rsplit('.').next().is_some_and(|last| NAMES.contains(&last));
        let longest = if name { LONGEST_NAME } else { LONGEST_TEXT };
        let length = text.chars().count();
        if length > longest {
            let what = format!("the text is {length} characters long");
            self.error(node.at, key, what, format!("at most {longest} characters fit here"));
        }
        if name && length == 0 {
            self.error(
                node.at,
                key,
                "the text is empty",
                "write a few words, or leave the key out",
            );
        }
        let allowed = |c: char| !c.is_control() || (!name && matches!(c, '\n' | '\r' | '\t'));
        if let Some(control) = text.chars().find(|c| !allowed(*c)) {
            let what = format!("the text holds the control character U+{:04X}", u32::from(control));
            self.error(node.at, key, what, "leave it out; only printable characters can be shown");
        }
    }

    fn number(&mut self, node: &Node, number: f64, schema: &'a Json, key: &str) {
        let (low, high) = range(schema);
        if number < low || number > high {
            let hint = match (low == f64::MIN, high == f64::MAX) {
                (false, false) => format!("write a number from {low} to {high}"),
                (false, true) => format!("write a number of at least {low}"),
                _ => format!("write a number of at most {high}"),
            };
            self.error(node.at, key, format!("{number} is out of range"), hint);
        }
    }

    fn wrong_type(&mut self, node: &Node, wanted: &[String], schema: &'a Json, key: &str) {
        let what = format!("expected {}, found {}", wanted.join(" or "), node.value.kind());
        let example = self.schemas.example(schema);
        let unit = matches!(node.value, Value::Integer(_) | Value::Float(_))
            && matches!(schema["format"].as_str(), Some("span" | "size" | "rate"));
        let hint = if unit {
            format!("a number needs its unit, in quotes, as in `{example}`")
        } else {
            format!("as in `{example}`")
        };
        self.error(node.at, key, what, hint);
    }

    fn known_id(&mut self, node: &Node, text: &str, format: &Format, key: &str) {
        let Some(known) = self.known else { return };
        if format.name == "id" && format.check(text).is_ok() && !known.contains(text) {
            let hint = match did_you_mean(text, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("describe it in a table of its own: `[KIND.{text}]`"),
            };
            let place = self.places.at(node.at, key);
            self.problems.error(place, format!("there is no component `{text}`"), hint);
        }
    }

    fn error(&mut self, at: At, key: &str, what: impl Into<String>, hint: impl Into<String>) {
        if self.known.is_none() {
            let place = self.places.at(at, key);
            self.problems.error(place, what, hint);
        }
    }
}

/// What is wrong with a number that cannot be used.
pub(super) fn bad_number(text: &str) -> String {
    let shown: String = text.chars().take(40).collect();
    format!("`{shown}` is no number that can be used")
}

/// What to write instead.
pub(super) const BAD_NUMBER: &str = "write a plain number, as in `0.5` or `12`";

fn law_fault(message: &str) -> (String, String) {
    let hint = "as in `{ low = \"2h\", likely = \"4h\", high = \"8h\" }` or `\"8h\"`";
    (format!("this is no law: {}", message.trim()), hint.to_owned())
}

fn join(key: &str, name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let name: String = name.chars().take(80).collect();
    let name = if !name.is_empty() && name.chars().all(plain) { name } else { format!("{name:?}") };
    if key.is_empty() { name } else { format!("{key}.{name}") }
}

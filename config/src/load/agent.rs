//! Reading agent settings: a strict `[agent]` table, and checks whose own keys stay opaque.
use std::collections::BTreeMap;

use schemars::schema_for;
use serde::Deserialize;

use super::places::Places;
use super::source::Source;
use super::tree::{Entry, Node, Table, Value, plain_table};
use super::walk::{BAD_NUMBER, bad_number, walk};
use super::{Loaded, document};
use crate::agent::{AgentSettings, AgentTable, CheckEntry};
use crate::id::Id;
use crate::problem::{Place, Problems};
use crate::quantity::Span;

/// Reads agent settings. A check without a `component` is about the host that
/// `[agent]` names; a check without a `name` is called by kind and component.
///
/// # Errors
/// Every problem of the source but those in the kinds' own keys, which each
/// kind reports with [`CheckEntry::places`].
pub fn agent_from(source: &Source) -> Result<Loaded<AgentSettings>, Problems> {
    let sources = std::slice::from_ref(source);
    let mut problems = Problems::default();
    let root = document::read(sources, &mut problems);
    if problems.is_fatal() {
        return problems.refuse();
    }
    let places = Places::new(sources, &root);
    let mut agent = AgentTable::default();
    let mut kinds = None;
    for (key, entry) in root.table().into_iter().flatten() {
        match key.as_str() {
            "agent" => agent = agent_table(&entry.node, places, &mut problems),
            "check" => kinds = Some(entry),
            other => {
                let place = places.at(entry.key_at, other);
                let hint = "the tables here are `[agent]` and `[[check.KIND]]`";
                problems.error(place, format!("the key `{other}` is not known"), hint);
            }
        }
    }
    let checks = match kinds {
        Some(entry) => checks(entry, agent.host.as_ref(), places, &mut problems),
        None => Vec::new(),
    };
    problems.settle(AgentSettings { agent, checks })
}

fn agent_table(node: &Node, places: Places<'_>, problems: &mut Problems) -> AgentTable {
    let schema = schema_for!(AgentTable);
    let before = problems.list.len();
    walk(node, schema.as_value(), "agent", false, places, problems);
    if problems.list.len() > before {
        // The name alone is kept, so that checks are not blamed for lacking it.
        let host =
            node.table().and_then(|table| table.get("host")?.node.plain().as_str()?.parse().ok());
        return AgentTable { host, ..AgentTable::default() };
    }
    let table = AgentTable::deserialize(node.plain()).unwrap_or_else(|error| {
        problems.error(places.at(node.at, "agent"), error.message().trim().to_owned(), "");
        AgentTable::default()
    });
    if table.concurrency == 0 {
        let place = places.of("agent.concurrency");
        problems.error(
            place,
            "no check could ever run",
            "write at least 1, as in `concurrency = 4`",
        );
    }
    if table.scratch.as_ref().is_some_and(|scratch| !scratch.starts_with('/')) {
        let what = "the scratch folder does not begin with `/`";
        let hint = "as in `scratch = \"/srv/drill\"`, on a disk with room for what is restored";
        problems.error(places.of("agent.scratch"), what, hint);
    }
    if table.listen.parse::<std::net::SocketAddr>().is_err() {
        let what = format!("`{}` is not an address with a port", table.listen);
        let hint = "as in `listen = \"127.0.0.1:8421\"` or `\"[::1]:8421\"`";
        problems.error(places.of("agent.listen"), what, hint);
    }
    table
}

fn checks(
    kinds: &Entry,
    host: Option<&Id>,
    places: Places<'_>,
    problems: &mut Problems,
) -> Vec<CheckEntry> {
    let Some(kinds) = kinds.node.table() else {
        let place = places.at(kinds.node.at, "check");
        problems.error(place, "expected tables of checks", "write `[[check.certificate]]`");
        return Vec::new();
    };
    let mut found = Vec::new();
    for (kind, entry) in kinds {
        let key = format!("check.{kind}");
        let Value::List(entries) = &entry.node.value else {
            let place = places.at(entry.key_at, &key);
            let hint = format!("write it with double brackets, as in `[[check.{kind}]]`");
            problems.error(place, "expected a list of checks", hint);
            continue;
        };
        for (index, node) in entries.iter().enumerate() {
            let reading = Reading { kind, key: format!("{key}[{index}]"), host, places };
            found.extend(reading.check(node, problems).map(|check| (node.at.line, check)));
        }
    }
    found.sort_by_key(|(line, _)| *line);
    let found: Vec<CheckEntry> = found.into_iter().map(|(_, check)| check).collect();
    unique_names(&found, problems);
    found
}

/// One check being read.
struct Reading<'a> {
    kind: &'a str,
    key: String,
    host: Option<&'a Id>,
    places: Places<'a>,
}

impl Reading<'_> {
    fn check(&self, node: &Node, problems: &mut Problems) -> Option<CheckEntry> {
        let place = self.places.at(node.at, &self.key);
        let Some(table) = node.table() else {
            let hint = format!("write `[[check.{}]]` and the keys below it", self.kind);
            problems.error(place, format!("expected a table, found {}", node.value.kind()), hint);
            return None;
        };
        let before = problems.list.len();
        let component = self.component(table, &place, problems);
        let name: Option<String> = self.shared(table, "name", "\"nightly backup\"", problems);
        let every: Option<Span> = self.shared(table, "every", "\"1h\"", problems);
        let deadline: Option<Span> = self.shared(table, "deadline", "\"5min\"", problems);
        for (key, span) in [("every", every), ("deadline", deadline)] {
            if span == Some(Span::ZERO) {
                let place = self.places.of(&format!("{}.{key}", self.key));
                problems.error(
                    place,
                    format!("`{key}` is zero"),
                    format!("as in `{key} = \"5min\"`"),
                );
            }
        }
        if problems.list.len() > before {
            return None;
        }
        let component = component?;
        let own =
            |key: &&String| !matches!(key.as_str(), "name" | "component" | "every" | "deadline");
        let own: Table = table
            .iter()
            .filter(|(key, _)| own(key))
            .map(|(key, entry)| (key.clone(), entry.clone()))
            .collect();
        let mut places = BTreeMap::new();
        self.note(&own, "", &mut places, problems);
        Some(CheckEntry {
            kind: self.kind.to_owned(),
            name: name.unwrap_or_else(|| format!("{}-{component}", self.kind)),
            component,
            every,
            deadline,
            settings: plain_table(&own),
            place,
            places,
        })
    }

    fn component(&self, table: &Table, place: &Place, problems: &mut Problems) -> Option<Id> {
        if table.contains_key("component") {
            return self.shared(table, "component", "\"srv-erp\"", problems);
        }
        if self.host.is_none() {
            let hint = "say what on the map it is about, as in `component = \"srv-erp\"`, or set \
                        `host` in `[agent]`";
            problems.error(place.clone(), "the key `component` is missing", hint);
        }
        self.host.cloned()
    }

    /// One of the keys that every check has.
    fn shared<T>(
        &self,
        table: &Table,
        key: &str,
        example: &str,
        problems: &mut Problems,
    ) -> Option<T>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        let entry = table.get(key)?;
        let place = self.places.at(entry.node.at, &format!("{}.{key}", self.key));
        let hint = format!("as in `{key} = {example}`");
        let Value::Text(text) = &entry.node.value else {
            problems.error(
                place,
                format!("expected a text, found {}", entry.node.value.kind()),
                hint,
            );
            return None;
        };
        if key == "name" && (text.is_empty() || text.len() > 200 || text.contains(char::is_control))
        {
            problems.error(place, "a name has 1 to 200 printable characters", hint);
            return None;
        }
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                problems.error(place, error.to_string(), hint);
                None
            }
        }
    }

    fn note(
        &self,
        table: &Table,
        outer: &str,
        out: &mut BTreeMap<String, Place>,
        problems: &mut Problems,
    ) {
        for (key, entry) in table {
            let path = if outer.is_empty() { key.clone() } else { format!("{outer}.{key}") };
            self.note_node(&entry.node, &path, out, problems);
        }
    }

    fn note_node(
        &self,
        node: &Node,
        path: &str,
        out: &mut BTreeMap<String, Place>,
        problems: &mut Problems,
    ) {
        let place = self.places.at(node.at, &format!("{}.{path}", self.key));
        match &node.value {
            Value::BadNumber(text) => problems.error(place.clone(), bad_number(text), BAD_NUMBER),
            Value::Table(table) => self.note(table, path, out, problems),
            Value::List(list) => {
                for (index, part) in list.iter().enumerate() {
                    self.note_node(part, &format!("{path}[{index}]"), out, problems);
                }
            }
            _ => {}
        }
        out.insert(path.to_owned(), place);
    }
}

fn unique_names(checks: &[CheckEntry], problems: &mut Problems) {
    let mut first: BTreeMap<&str, &CheckEntry> = BTreeMap::new();
    for check in checks {
        if let Some(earlier) = first.get(check.name.as_str()) {
            let what =
                format!("a check named `{}` already stands at {}", check.name, earlier.place);
            let hint = "give one of the two a `name` of its own, as in `name = \"offsite copy\"`";
            problems.error(check.place.clone(), what, hint);
        } else {
            first.insert(&check.name, check);
        }
    }
}

//! `map` and `discover`: the recorded map as a table or as JSON.
use comfy_table::{Table, presets};
use evenkeel_config::record::{RecordedMap, Relation, Seen};
use jiff::Timestamp;

use super::documents::Places;
use super::output::{Failure, Format, say, say_json, tell};
use crate::{agent, discover};

pub(super) fn map(places: &Places, format: Format) -> Result<u8, Failure> {
    let agent = places.open()?;
    let map = agent.sample()?;
    print(&map, format)
}

pub(super) fn discover(places: &Places, format: Format) -> Result<u8, Failure> {
    let documents = if places.config().exists() { Some(places.read()?) } else { None };
    let root = documents.as_ref().map_or("/", |read| read.settings.agent.root.as_str());
    let host = documents.as_ref().and_then(|read| read.settings.agent.host.clone());
    let now = Timestamp::now();
    let sample = discover::sample(root.as_ref(), now);
    let declared = documents.as_ref().and_then(|read| read.map.as_ref());
    let host = host.unwrap_or_else(agent::own_name);
    let map = discover::join(&host, declared, None, &sample, now);
    sample.gaps.iter().for_each(|gap| tell(&format!("not seen: {gap}")));
    print(&map, format)
}

fn print(map: &RecordedMap, format: Format) -> Result<u8, Failure> {
    match format {
        Format::Json => say_json(&serde_json::to_value(map).map_err(Failure::other)?),
        Format::Human => say(&table(map)),
    }
    Ok(0)
}

/// Components, then dependencies, each as a plain table.
fn table(map: &RecordedMap) -> String {
    let mut nodes = Table::new();
    nodes.load_style(presets::NOTHING).set_header(["COMPONENT", "KIND", "KNOWN", "DETAIL"]);
    for (id, node) in &map.nodes {
        nodes.add_row([id.as_str(), node.kind.word(), word(node.seen), &node.detail]);
    }
    let mut edges = Table::new();
    edges.load_style(presets::NOTHING).set_header([
        "FROM",
        "NEEDS",
        "TO",
        "KNOWN",
        "VIA",
        "LAST SEEN",
    ]);
    for edge in &map.edges {
        let relation = match edge.relation {
            Relation::ToRun => "run",
            Relation::ToRecover => "recover",
        };
        let last = edge.last_seen.map_or_else(String::new, |seen| format!("{seen:.0}"));
        let (from, to) = (edge.from.as_str(), edge.to.as_str());
        edges.add_row([from, to, relation, word(edge.seen), &edge.via, &last]);
    }
    let mut text = format!(
        "{}: {} components, {} dependencies\n\n{nodes}\n\n{edges}",
        map.host,
        map.nodes.len(),
        map.edges.len()
    );
    if map.dropped_edges > 0 {
        text.push_str(&format!("\n{} more dependencies are left out", map.dropped_edges));
    }
    text
}

fn word(seen: Seen) -> &'static str {
    match seen {
        Seen::DeclaredAndSeen => "told to us, seen",
        Seen::Declared => "told to us",
        Seen::Seen => "seen",
    }
}

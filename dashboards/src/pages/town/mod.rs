//! A small town for the tests of pages: one map, a few hosts, one result.
mod evidence;
mod result;

use std::collections::BTreeMap;

use evenkeel_config::load::{Source, map_from};
use evenkeel_config::record::{DrillFacts, DrillLevel, RecordedEdge, RecordedMap, Relation, Seen};
use jiff::Timestamp;

use crate::picture::Picture;

/// The moment of the town's facts: Tue 17 Nov 2026, 08:00 EST.
pub(crate) fn as_of() -> Timestamp {
    "2026-11-17T13:00:00Z".parse().expect("a moment")
}

/// The town with everything: hosts, drills, findings and a result.
pub(crate) fn picture() -> Picture {
    let mut picture = of_map(include_str!("town.toml"));
    picture.hosts = evidence::hosts();
    picture.recorded = BTreeMap::from([("hv-1".to_owned(), recorded())]);
    picture.drills = drills();
    picture.summaries = vec![result::summary(0)];
    picture.year = super::sample_year::year();
    picture.earlier = BTreeMap::from([("ransomware".to_owned(), result::summary(3))]);
    picture
}

/// A picture of nothing but a map.
pub(crate) fn of_map(text: &str) -> Picture {
    let loaded = map_from(&[Source::new("map.toml", text)]);
    let map = loaded.unwrap_or_else(|problems| panic!("{problems}")).value;
    let map_findings = crate::map_findings::findings(&map, as_of());
    Picture {
        organisation: map.organisation.name.clone(),
        timezone: map.organisation.timezone.clone(),
        as_of: as_of(),
        map,
        recorded: BTreeMap::new(),
        hosts: BTreeMap::new(),
        drills: Vec::new(),
        summaries: Vec::new(),
        year: Default::default(),
        moves: BTreeMap::new(),
        cannot: Vec::new(),
        map_findings,
        warnings: Default::default(),
        earlier: BTreeMap::new(),
        version: "0.1.0",
    }
}

/// The map of an organisation with nothing on it.
pub(crate) const EMPTY: &str = "[organisation]\nname = \"Nobody\"\n";

/// Writes a page to the folder that `EVENKEEL_PAGES` names, to be looked at.
pub(crate) fn show(name: &str, page: &str) {
    if let Some(folder) = std::env::var_os("EVENKEEL_PAGES") {
        let path = std::path::Path::new(&folder).join(format!("{name}.html"));
        std::fs::write(path, page).expect("the folder named by EVENKEEL_PAGES can be written");
    }
}

/// Rules that hold for the markup of every page.
pub(crate) fn assert_sound(page: &str) {
    for bad in ["<script", " style=", "javascript:", "Dana", "\u{202e}", "P95", "NaN", "inf%"] {
        assert!(!page.contains(bad), "the page has {bad}");
    }
    let mut ids = std::collections::BTreeSet::new();
    for piece in page.split(" id=\"").skip(1) {
        let id = piece.split('"').next().expect("a quoted id");
        assert!(ids.insert(id), "the id {id} is there twice");
    }
}

fn recorded() -> RecordedMap {
    let seen = [
        ("payroll", "erp"),
        ("payroll", "finance-pcs"),
        ("erp", "erp-data"),
        ("erp", "vm-erp"),
        ("erp", "directory"),
        ("finance-pcs", "directory"),
        ("vm-erp", "hv-1"),
        ("directory", "hv-1"),
        ("directory", "hv-2"),
        ("hv-1", "ups-hall"),
        ("hv-2", "ups-hall"),
        ("vault", "hv-1"),
        ("nightly", "srv-backup"),
        ("srv-backup", "directory"),
    ];
    let edges = seen
        .map(|(from, to)| RecordedEdge {
            from: from.parse().expect("an id"),
            to: to.parse().expect("an id"),
            relation: Relation::ToRun,
            via: "tcp".to_owned(),
            seen: Seen::DeclaredAndSeen,
            first_seen: None,
            last_seen: Some(as_of()),
            samples: 12,
        })
        .to_vec();
    RecordedMap {
        schema_version: 1,
        host: "hv-1".to_owned(),
        as_of: as_of(),
        nodes: BTreeMap::new(),
        edges,
        dropped_edges: 0,
    }
}

fn drills() -> Vec<DrillFacts> {
    let drill = |dataset: &str, day: &str, speed: f64, worked: bool, why: &str| DrillFacts {
        worked,
        why: why.to_owned(),
        files: 1200,
        bytes: 40_000_000_000,
        seconds: 40_000.0 / speed,
        ..DrillFacts::new(
            "nightly".parse().expect("an id"),
            Some(dataset.parse().expect("an id")),
            format!("{day}T20:00:00Z").parse().expect("a moment"),
            DrillLevel::Application,
        )
    };
    vec![
        drill("permits-data", "2025-09-02", 24.0, true, ""),
        drill("erp-data", "2026-03-02", 25.0, true, ""),
        drill("erp-data", "2026-08-12", 35.0, true, ""),
        drill("cad-data", "2026-10-06", 1.0, false, "key file missing"),
    ]
}

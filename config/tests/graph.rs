//! Questions about small maps whose answers are plain to see.
use std::collections::BTreeSet;

use evenkeel_config::graph;
use evenkeel_config::id::Id;
use evenkeel_config::load::{self, Source};
use evenkeel_config::map::DependencyMap;

fn map(text: &str) -> DependencyMap {
    let text = format!("[organisation]\nname = \"x\"\n{text}");
    let loaded = load::map_from(&[Source::new("map.toml", text)]);
    loaded.unwrap_or_else(|problems| panic!("{problems}")).value
}

fn id(text: &str) -> Id {
    text.parse().expect("an id")
}

fn words<'a>(ids: impl IntoIterator<Item = &'a Id>) -> String {
    ids.into_iter().map(Id::as_str).collect::<Vec<_>>().join(" ")
}

/// A shop that hangs on one server, either of two lines, and a clerk with a deputy.
const SHOP: &str = r#"
[function.orders]
needs = ["app", { any = ["fibre", "mobile"] }, { id = "phones", share = 0.2 }]
path = [{ step = "take", who = "ann" }, { step = "pack", who = "packers" }]
[service.app]
runs_on = "server"
needs = [{ at_least = 2, of = ["dns-a", "dns-b", "dns-c"] }]
[service.dns-a]
[service.dns-b]
[service.dns-c]
[host.server]
site = "shop"
power = "ups"
[site.shop]
[power.ups]
[link.fibre]
site = "shop"
[link.mobile]
[voice.phones]
[person.ann]
deputy = "bob"
[person.bob]
[team.packers]
count = 3
"#;

#[test]
fn single_points_are_those_whose_loss_alone_is_fatal() {
    let map = map(SHOP);
    let found = graph::single_points(&map, &id("orders"));
    assert_eq!(words(&found), "app packers server shop ups");
    assert!(graph::single_points(&map, &id("nothing-of-that-name")).is_empty());
}

#[test]
fn single_points_are_those_that_a_plain_search_finds() {
    let map = map(SHOP);
    let found: BTreeSet<Id> = graph::single_points(&map, &id("orders")).into_iter().collect();
    // Remove each candidate's own edges' targets by hand: an edge that is no
    // alternative and whole carries the fall one step up.
    let edges = graph::to_run_edges(&map);
    let mut expected: BTreeSet<Id> = BTreeSet::new();
    let mut open = vec![id("orders")];
    while let Some(at) = open.pop() {
        for edge in edges.iter().filter(|edge| edge.from == at) {
            let fatal = !edge.alternative && edge.share.get() >= 1.0;
            if fatal && expected.insert(edge.to.clone()) {
                open.push(edge.to.clone());
            }
        }
    }
    assert_eq!(found, expected);
}

#[test]
fn a_shared_foundation_of_both_alternatives_is_a_single_point() {
    let map = map(
        "[function.f]\nneeds = [{ any = [\"a\", \"b\"] }]\n[link.a]\nneeds = [\"duct\"]\n[link.b]\n\
         needs = [\"duct\"]\n[link.duct]\n",
    );
    assert_eq!(words(&graph::single_points(&map, &id("f"))), "duct");
}

#[test]
fn closures_go_both_ways() {
    let map = map(SHOP);
    assert_eq!(
        words(&graph::needed_by(&map, &id("orders"))),
        "ann app bob dns-a dns-b dns-c fibre mobile packers phones server shop ups"
    );
    assert_eq!(words(&graph::dependents(&map, &id("ups"))), "app orders server");
    assert!(graph::dependents(&map, &id("orders")).is_empty());
}

#[test]
fn edges_carry_hold_up_share_and_alternative() {
    let map = map(
        "[service.s]\nneeds = [{ id = \"p\", hold_up = \"7min\", share = 0.3 }, { any = [{ all = [\"q\"] }, \
         \"p\"] }]\nrecover_needs = [\"q\"]\nrecover = [{ step = \"a\", vendor = \"v\" }]\n[power.p]\n\
         [power.q]\n[vendor.v]\n",
    );
    let run = graph::to_run_edges(&map);
    let first = run.iter().find(|edge| edge.share.get() < 1.0).expect("the edge with a share");
    assert_eq!((first.hold_up.as_secs(), first.alternative), (420.0, false));
    assert_eq!(run.iter().filter(|edge| edge.alternative).count(), 2);
    let recover = graph::to_recover_edges(&map);
    assert_eq!(words(recover.iter().map(|edge| &edge.to)), "q v");
}

#[test]
fn recovery_loops_are_found_and_ways_out_are_seen() {
    let text = |recover: &str, needs: &str| {
        format!(
            "[host.hv]\nrecover_needs = [{needs}]\nrecover = [{{ step = \"unlock\"{recover} }}]\n\
             [vm.vault]\nruns_on = \"hv\"\n[document.paper]\n[service.app]\nruns_on = \"vault\"\n"
        )
    };
    let cycles = |text: &str| graph::recovery_cycles(&map(text));
    let found = cycles(&text("", "\"vault\""));
    assert_eq!(found.len(), 1);
    assert_eq!(words(&found[0]), "hv vault");
    assert!(cycles(&text(", break_glass = true", "\"vault\"")).is_empty());
    assert!(cycles(&text("", "{ any = [\"vault\", \"paper\"] }")).is_empty());
    assert_eq!(cycles(&text("", "{ all = [\"vault\", \"paper\"] }")).len(), 1);
}

#[test]
fn loops_of_running_alone_are_told_apart() {
    let text = "[service.ad]\nneeds = [\"dns\"]\n[service.dns]\nneeds = [\"ad\"]\n";
    let both_down = map(text);
    assert!(graph::recovery_cycles(&both_down).is_empty());
    assert_eq!(words(&graph::run_cycles(&both_down)[0]), "ad dns");
    let way_out = format!("{text}repair = [{{ step = \"by hand\", break_glass = true }}]\n");
    assert!(graph::run_cycles(&map(&way_out)).is_empty());
}

//! People: who is there, who comes first, and what the clock and the calendar do to work.
use evenkeel_simulator::compile::{Inputs, compile};
use evenkeel_simulator::draw::Tables;

use crate::support::{HEAD, Trials, as_of, blow, hours, map, scenario};

#[test]
fn two_people_at_once_work_in_the_hours_they_share() {
    let map = "[function.f]\nneeds = [\"a\"]\n\
               [host.a]\nrecover = [{ step = \"lift\", skill = \"x\", heads = 2, effort = \"4h\" }]\n\
               [person.early]\nskills = [\"x\"]\nhours = \"Mon-Fri 06:00-12:00\"\n\
               [person.late]\nskills = [\"x\"]\nhours = \"Mon-Fri 10:00-18:00\"\n";
    // Ten to twelve on Monday and on Tuesday.
    assert_eq!(hours(map, &blow("\"a\"", "lost", ""), "f"), Some(27.0));
}

#[test]
fn a_team_below_its_quorum_does_not_work() {
    let team = |least: u8| {
        format!(
            "[function.f]\nneeds = [\"a\"]\n\
             [host.a]\nrecover = [{{ step = \"work\", who = \"crew\", effort = \"2h\" }}]\n\
             [team.crew]\ncount = 3\nat_least = {least}\naway = 0.5\nhours = \"24x7\"\n"
        )
    };
    let share = |least: u8| {
        let text = format!("{HEAD}{}", team(least));
        let usable = Trials::of(&text, &blow("\"a\"", "lost", ""), 1, 20_000);
        let at_once = |ms: &&i64| **ms == 2 * 3_600_000;
        usable.function("f").usable.iter().filter(at_once).count() as f64 / 2e4
    };
    // Of three people at least one, two, three are there.
    for (least, exact) in [(1, 0.875), (2, 0.5), (3, 0.125)] {
        assert!((share(least) - exact).abs() < 0.015, "{least}: {}", share(least));
    }
}

#[test]
fn nobody_works_on_a_holiday() {
    let map = "[function.f]\nneeds = [\"a\"]\n\
               [host.a]\nrecover = [{ step = \"work\", skill = \"x\", effort = \"10h\" }]\n\
               [person.dana]\nskills = [\"x\"]\n";
    let lost = blow("\"a\"", "lost", "");
    // Eight hours on Monday, two from half past eight on Tuesday; Wednesday if
    // Tuesday is off.
    let head = HEAD.replace("bad_day", "holidays = [2026-11-17]\nbad_day");
    let usable = Trials::of(&format!("{head}{map}"), &lost, 1, 1).function("f").usable[0];
    assert_eq!(usable, 3_600_000 * 49 + 1_800_000);
    assert_eq!(hours(map, &lost, "f"), Some(25.5));
}

#[test]
fn a_night_is_longer_when_the_clocks_go_back() {
    let map = "[function.f]\nneeds = [\"a\"]\n\
               [host.a]\nrecover = [{ step = \"work\", skill = \"x\", effort = \"1h\" }]\n\
               [person.dana]\nskills = [\"x\"]\nhours = \"Mon-Sun 08:00-17:00\"\n";
    let head = HEAD.replace("bad_day", "timezone = \"America/New_York\"\nbad_day");
    let at = |day: &str| {
        let lost = blow("\"a\"", "lost", "").replace("2026-11-16 09:00", day);
        Trials::of(&format!("{head}{map}"), &lost, 1, 1).function("f").usable[0] / 3_600_000
    };
    // From ten in the evening to nine in the morning.
    assert_eq!(at("2026-10-30 22:00"), 11);
    assert_eq!(at("2026-10-31 22:00"), 12);
    assert_eq!(at("2027-03-13 22:00"), 10);
}

#[test]
fn notification_waits_for_who_can_do_it() {
    let map = "[function.f]\nneeds = [\"a\"]\n\
               [host.a]\nrecover = [{ step = \"work\", effort = \"2h\" }]\n\
               [person.lead]\nhours = \"Mon-Fri 13:00-17:00\"\nskills = [\"lead\"]\n";
    let phases = "[[phase]]\nphase = \"notify\"\nname = \"call round\"\nwho = \"lead\"\ntakes = \"1h\"\n\
                  [[phase]]\nphase = \"declare\"\nname = \"declare\"\ntakes = \"30min\"\n";
    // From nine to one in the afternoon, an hour, half an hour by the clock, two hours.
    assert_eq!(hours(map, &blow("\"a\"", "lost", phases), "f"), Some(7.5));
    let skill = phases.replace("who = \"lead\"", "skill = \"lead\"");
    assert_eq!(hours(map, &blow("\"a\"", "lost", &skill), "f"), Some(7.5));
}

/// Three repairs of 1, 2 and 3 hours by one person; what is back when.
#[test]
fn whose_work_comes_first_is_a_choice() {
    let map = |rule: &str| {
        let head = HEAD.replace("bad_day", &format!("{rule}\nbad_day"));
        format!(
            "{head}[function.f]\nneeds = [\"a\"]\nobjectives = {{ rto = \"48h\" }}\n\
             [function.g]\nneeds = [\"b\"]\nobjectives = {{ rto = \"4h\" }}\n\
             [function.h]\nneeds = [\"c\", \"d\"]\nobjectives = {{ rto = \"24h\" }}\n\
             [host.a]\nrecover = [{{ step = \"work\", skill = \"x\", effort = \"1h\" }}]\n\
             [host.b]\nrecover = [{{ step = \"work\", skill = \"x\", effort = \"2h\" }}]\n\
             [host.c]\nrecover = [{{ step = \"work\", skill = \"x\", effort = \"3h\" }}]\n\
             [host.d]\nrecover_needs = [\"c\"]\nrecover = [{{ step = \"run in\", wait = \"9h\" }}]\n\
             [person.one]\nskills = [\"x\"]\nhours = \"24x7\"\n"
        )
    };
    let ends = |rule: &str| {
        let lost = blow("\"a\", \"b\", \"c\", \"d\"", "lost", "");
        let trials = Trials::of(&map(rule), &lost, 1, 1);
        ["f", "g", "h"].map(|id| trials.function(id).usable[0] / 3_600_000)
    };
    // The shortest RTO first: b, c, a.
    assert_eq!(ends(""), [6, 2, 14]);
    assert_eq!(ends("dispatch = \"business\""), [6, 2, 14]);
    assert_eq!(ends("dispatch = \"shortest-first\""), [1, 3, 15]);
    // Twelve hours hang on c, two on b, one on a.
    assert_eq!(ends("dispatch = \"critical-path\""), [6, 5, 12]);
    // One's own order; what is not listed comes after, by business.
    assert_eq!(ends("dispatch = \"listed\"\ndispatch_order = [\"a\"]"), [1, 3, 15]);
    assert_eq!(ends("dispatch = \"listed\"\ndispatch_order = [\"c\", \"a\"]"), [4, 6, 12]);
}

#[test]
fn what_a_vendor_promises_is_shown_beside_what_it_does() {
    let text = |keys: &str| {
        format!(
            "{HEAD}[function.f]\nneeds = [\"a\"]\n\
             [host.a]\nrecover = [{{ step = \"fix\", vendor = \"msp\", effort = \"1h\" }}]\n\
             [vendor.msp]\n{keys}\n"
        )
    };
    let figures = |keys: &str| -> Vec<(String, String)> {
        let (map, scenario) = (map(&text(keys)), scenario(&blow("\"a\"", "lost", "")));
        let inputs = Inputs {
            map: &map,
            scenario: &scenario,
            modifiers: &[],
            evidence: &[],
            as_of: as_of(),
            seen_on: None,
        };
        let compiled = compile(&inputs, &mut Tables::default()).unwrap_or_else(|p| panic!("{p}"));
        let vendor = compiled.inputs.into_iter().filter(|figure| figure.group == "Vendors");
        vendor.map(|figure| (figure.value, figure.source)).collect()
    };
    let both = figures("promised = \"4h\"\nresponse = { between = [\"3h\", \"5h\"] }");
    assert_eq!(both.len(), 2, "{both:?}");
    assert!(both.iter().any(|(value, _)| value.contains("kept in 50 of 100 calls")), "{both:?}");
    let promised = figures("promised = \"4h\"");
    assert_eq!(promised.len(), 1);
    assert!(promised[0].1.contains("contract"), "{promised:?}");
    // Trials run on what is seen, on the promise where nothing is.
    let lost = blow("\"a\"", "lost", "");
    let usable = |keys: &str| Trials::of(&text(keys), &lost, 1, 1).function("f").usable[0];
    assert_eq!(usable("promised = \"4h\"\nresponse = \"9h\""), 10 * 3_600_000);
    assert_eq!(usable("promised = \"4h\""), 5 * 3_600_000);
}

//! Bad input: refused before the run with place and hint, or never with the reason counted.
use evenkeel_config::load::{Source, map_from, scenario_from};
use evenkeel_simulator::kernel::{Trial, Why};
use evenkeel_simulator::{Job, simulate, validate};

use crate::support::{HEAD, as_of, blow, map, model, scenario};

/// The problems of a map, as shown.
fn refused(text: &str) -> String {
    let text = format!("{HEAD}{text}");
    let loaded = map_from(&[Source::new("map.toml", text.clone())]);
    loaded.err().unwrap_or_else(|| panic!("it loads:\n{text}")).to_string()
}

#[test]
fn what_cannot_be_is_refused_with_place_and_hint() {
    let step = |keys: &str| {
        format!(
            "[function.f]\nneeds = [\"a\"]\n[host.a]\nrecover = [{{ step = \"x\", {keys} }}]\n\
             [person.p]\nskills = [\"linux\"]\n"
        )
    };
    let spare =
        |keys: &str| format!("[function.f]\nneeds = [\"s\"]\n[spare.s]\nstock = 1\n{keys}\n");
    let first = |rule: &str| {
        let head = HEAD.replace("bad_day", &format!("{rule}\nbad_day"));
        let text = format!("{head}[function.f]\nneeds = [\"a\"]\n[host.a]\n");
        map_from(&[Source::new("map.toml", text)]).expect_err("it is refused").to_string()
    };
    let link =
        |rate: &str| format!("[function.f]\nneeds = [\"l\"]\n[link.l]\nbandwidth = \"{rate}\"\n");
    let person =
        |hours: &str| format!("[function.f]\nneeds = [\"p\"]\n[person.p]\nhours = \"{hours}\"\n");
    let cases = [
        (refused(&step("skill = \"linus\"")), ["host.a.recover[0].skill", "did you mean `linux`"]),
        (
            refused(&step("skill = \"linux\", heads = 2")),
            ["host.a.recover[0].heads", "more people"],
        ),
        (refused(&step("success = 1.5")), ["host.a.recover[0].success", "1"]),
        (refused(&step("success = 0")), ["host.a.recover[0].success", "never works"]),
        (refused(&step("unclean = true")), ["host.a.recover[0].unclean", "dataset"]),
        (refused(&link("0 MB/s")), ["link.l.bandwidth", "at least one byte a second"]),
        (refused(&person("Mon 08:00-08:00")), ["person.p.hours", "Mon"]),
        (refused(&spare("units_in_use = 20")), ["spare.s", "failure_rate"]),
        (refused(&spare("units_in_use = 20\nfailure_rate = 0.1")), ["spare.s", "lead_time"]),
        (refused(&spare("failure_rate = -1")), ["spare.s.failure_rate", "0"]),
        (first("dispatch = \"listed\""), ["organisation.dispatch", "dispatch_order"]),
        (
            first("dispatch = \"listed\"\ndispatch_order = [\"b\"]"),
            ["organisation.dispatch_order[0]", "no component `b`"],
        ),
        (
            first("dispatch = \"listed\"\ndispatch_order = [\"a\", \"a\"]"),
            ["organisation.dispatch_order[1]", "twice"],
        ),
        (first("dispatch = \"fastest\""), ["organisation.dispatch", "business"]),
    ];
    for (shown, wanted) in cases {
        for part in wanted {
            assert!(shown.contains(part), "`{part}` is not in:\n{shown}");
        }
    }
    let late = blow("\"a\"", "lost", "").replace("[[strike]]", "reinfection = \"1h\"\n[[strike]]");
    let shown = scenario_from(&Source::new("late.toml", late)).expect_err("refused").to_string();
    assert!(shown.contains("reinfection") && shown.contains("dwell"), "{shown}");
}

#[test]
fn demand_beyond_counting_is_refused_when_it_is_compiled() {
    let text = format!(
        "{HEAD}[function.f]\nneeds = [\"a\"]\n\
         [host.a]\nrecover = [{{ step = \"x\", spare = \"s\" }}]\n\
         [spare.s]\nstock = 1\nunits_in_use = 1000000\nfailure_rate = 100\nlead_time = \"1y\"\n"
    );
    let week = blow("\"a\"", "lost", "").replace("2026-11-16 09:00", "week");
    let problems = validate(&map(&text), &scenario(&week)).expect_err("it is refused").to_string();
    assert!(problems.contains("spare.s.failure_rate"), "{problems}");
    assert!(problems.contains("lead_time"), "{problems}");
}

/// Why `f` is never back, with counts.
fn never(text: &str, scenario_text: &str) -> Vec<(String, u64)> {
    let (map, scenario) = (map(&format!("{HEAD}{text}")), scenario(scenario_text));
    let job = Job {
        map: &map,
        scenario: &scenario,
        modifiers: &[],
        evidence: &[],
        as_of: Some(as_of()),
        seed: 1,
        trials: 10,
        threads: Some(1),
        fixes: false,
    };
    let summary = simulate(&job, &|_, _| {}).unwrap_or_else(|p| panic!("{p}"));
    let reasons = &summary.functions[0].never;
    reasons.iter().map(|reason| (reason.reason.clone(), reason.count)).collect()
}

#[test]
fn what_never_comes_back_says_why_in_every_night() {
    let lost = |id: &str| blow(&format!("\"{id}\""), "lost", "");
    let short = lost("a").replace("[[strike]]", "horizon = \"1h\"\n[[strike]]");
    let one = "[function.f]\nneeds = [\"a\"]\n[host.a]\n";
    let on_leave = format!(
        "{one}recover = [{{ step = \"x\", skill = \"y\", effort = \"1h\" }}]\n\
         [person.p]\nskills = [\"y\"]\nleave = [{{ from = 2026-01-01, to = 2099-01-01 }}]\n"
    );
    let circle = "[function.f]\nneeds = [\"a\"]\n\
        [host.a]\nrecover_needs = [\"b\"]\nrecover = [{ step = \"x\" }]\n\
        [host.b]\nrecover_needs = [\"a\"]\nrecover = [{ step = \"x\" }]\n";
    let cases = [
        (format!("{one}[person.p]\n"), lost("a"), "no recovery steps"),
        (format!("{one}recover = [{{ step = \"x\", effort = \"2h\" }}]\n"), short, ""),
        (
            "[function.f]\nneeds = [\"d\"]\n[dataset.d]\nsize = \"1 GB\"\n[copy.c]\n[person.p]\n"
                .to_owned(),
            lost("d"),
            "copy",
        ),
        (on_leave, lost("a"), ""),
        (circle.to_owned(), blow("\"a\", \"b\"", "lost", ""), "waits for itself"),
    ];
    for (text, scenario, word) in cases {
        let reasons = never(&text, &scenario);
        assert_eq!(reasons.len(), 1, "{text}: {reasons:?}");
        assert_eq!(reasons[0].1, 10, "{text}: {reasons:?}");
        assert!(reasons[0].0.contains(word), "`{word}`: {reasons:?}");
    }
}

#[test]
fn a_deadlock_is_a_reason_and_no_hang() {
    let text = format!(
        "{HEAD}[function.f]\nneeds = [\"a\"]\n\
         [host.a]\nrecover = [{{ step = \"x\", effort = \"1h\", success = 0.000001 }}]\n"
    );
    let model = model(&map(&text), &scenario(&blow("\"a\"", "lost", "")));
    let mut trial = Trial::new(&model);
    trial.run(1, 0);
    assert_eq!(trial.reason(model.functions[0].node).why, Why::GaveUp);
    trial.limit_events(50);
    trial.run(1, 0);
    assert_eq!(trial.reason(model.functions[0].node).why, Why::Deadlock);
}

#[test]
fn systems_that_need_each_other_are_named_before_any_trial() {
    let text = |glass: &str| {
        format!(
            "{HEAD}[function.f]\nneeds = [\"dns\"]\n\
             [service.dns]\nneeds = [\"directory\"]\nrepair = [{{ step = \"x\"{glass} }}]\n\
             [service.directory]\nneeds = [\"dns\"]\nrepair = [{{ step = \"x\" }}]\n[host.b]\n"
        )
    };
    let notes = |glass: &str, id: &str| {
        let down = scenario(&blow(&format!("\"{id}\""), "down", ""));
        validate(&map(&text(glass)), &down).unwrap_or_else(|p| panic!("{p}"))
    };
    let said = |notes: &[String]| notes.iter().any(|note| note.contains("need each other to run"));
    assert!(said(&notes("", "dns")), "{:?}", notes("", "dns"));
    assert!(!said(&notes(", break_glass = true", "dns")));
    assert!(!said(&notes("", "b")), "nothing takes them down here");
}

//! Agent and hub settings, scenarios and evidence, through one door each.
use evenkeel_config::library::SCENARIOS;
use evenkeel_config::load::{self, Source};
use evenkeel_config::map::DependencyMap;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;

/// A problem as expected: its line, and parts of its cause and of its hint.
type Expected<'a> = (usize, &'a str, &'a str);

fn compare(text: &str, problems: &Problems, expected: &[Expected<'_>]) {
    let matches = problems.list.len() == expected.len()
        && problems.list.iter().zip(expected).all(|(problem, (line, what, hint))| {
            problem.place.line == *line
                && problem.what.contains(what)
                && problem.hint.contains(hint)
        });
    assert!(matches, "{text}\nexpected {expected:#?}\nfound\n{problems}");
}

fn agent(text: &str, expected: &[Expected<'_>]) {
    let problems = match load::agent_from(&Source::new("agent.toml", text)) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => problems,
    };
    compare(text, &problems, expected);
}

fn scenario(text: &str, expected: &[Expected<'_>]) {
    let problems = match load::scenario_from(&Source::new("storm.toml", text)) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => problems,
    };
    compare(text, &problems, expected);
}

#[test]
fn agent_settings_from_empty_to_every_bad_value() {
    agent("", &[]);
    agent("[agent]\nlisten = \"127.0.0.1:8421\"\n", &[]);
    let cases: &[(&str, &[Expected<'_>])] = &[
        ("[agents]\n", &[(1, "`agents` is not known", "`[agent]`")]),
        ("[agent]\nlisten = \"localhost\"\n", &[(2, "not an address", "127.0.0.1:8421")]),
        ("[agent]\nconcurrency = 0\n", &[(2, "no check could ever run", "concurrency = 4")]),
        ("[agent]\nkeep = 5\n", &[(2, "expected a time span", "in quotes")]),
        ("[agent]\nhots = \"a\"\n", &[(2, "`hots` is not known", "did you mean `host`")]),
        ("[check.tls]\ncomponent = \"a\"\n", &[(1, "expected a list of checks", "[[check.tls]]")]),
        ("[[check.tls]]\n", &[(1, "`component` is missing", "`host` in `[agent]`")]),
        ("[[check.tls]]\ncomponent = \"a\"\nevery = \"5\"\n", &[(3, "not a time span", "1h")]),
        ("[[check.tls]]\ncomponent = \"a\"\ndeadline = \"0s\"\n", &[(3, "is zero", "5min")]),
        ("[[check.tls]]\ncomponent = \"a\"\nname = \"\"\n", &[(3, "1 to 200", "nightly")]),
        (
            "[[check.tls]]\ncomponent = \"a\"\n[[check.tls]]\ncomponent = \"a\"\n",
            &[(3, "`tls-a` already stands at agent.toml:1", "`name` of its own")],
        ),
    ];
    for (text, expected) in cases {
        agent(text, expected);
    }
}

#[test]
fn the_keys_of_a_kind_stay_opaque_and_keep_their_places() {
    let text = "[agent]\nhost = \"srv-1\"\n\n[[check.tls]]\nevery = \"1h\"\nendpoint = \"a:443\"\n\
                limits = { days = [7, 14] }\n\n[[check.restic]]\nname = \"nightly\"\ncomponent = \"nas\"\n";
    let settings = load::agent_from(&Source::new("agent.toml", text)).expect("settings").value;
    let [tls, restic] = settings.checks.as_slice() else { panic!("two checks, in their order") };
    assert_eq!((tls.name.as_str(), tls.component.as_str()), ("tls-srv-1", "srv-1"));
    assert_eq!(tls.every, Some(Span::from_hours(1)));
    assert_eq!(tls.settings.keys().collect::<Vec<_>>(), ["endpoint", "limits"]);
    assert_eq!((tls.place.line, tls.place.key.as_str()), (4, "check.tls[0]"));
    assert_eq!(tls.places["endpoint"].line, 6);
    let nested = &tls.places["limits.days[1]"];
    assert_eq!((nested.line, nested.key.as_str()), (7, "check.tls[0].limits.days[1]"));
    assert_eq!((restic.kind.as_str(), restic.name.as_str()), ("restic", "nightly"));
}

#[test]
fn hub_settings_are_strict() {
    let read = |text: &str| load::hub_from(&Source::new("hub.toml", text));
    assert!(read("[hub]\nmap = \"map.toml\"\n").is_ok());
    let text = "[hub]\nmap = \"m\"\nlisten = \"x\"\ntrials = 0\n[[agent]]\nname = \"a\"\nurl = \"a:1\"\n\
                token_file = \"t\"\n";
    let expected =
        [(3, "not an address", "8420"), (4, "nothing", "10000"), (7, "not an address", "https")];
    compare(text, &read(text).expect_err("three faults"), &expected);
}

const STORM: &str = "title = \"storm\"\nquestion = \"If a storm comes\"\nstory = \"It comes.\"\n";

#[test]
fn scenarios_from_empty_to_every_bad_value() {
    const PHASE: &str = "[[phase]]\nphase = \"detect\"\nname = \"x\"\ntakes = \"1h\"\n";
    scenario(
        "",
        &[
            (0, "`question` is missing", ""),
            (0, "`story` is missing", ""),
            (0, "`title` is missing", ""),
        ],
    );
    scenario(&format!("{STORM}modifier = true\naway = [\"main\"]\n"), &[]);
    scenario(&format!("{STORM}modifier = true\nlead_times = 3.0\n"), &[]);
    let strike = "[[strike]]\nname = \"a\"\nreach = { kinds = [\"host\"] }\neffect = \"down\"\n";
    scenario(&format!("{STORM}{strike}"), &[]);
    let cases: &[(String, &[Expected<'_>])] = &[
        (String::new(), &[(0, "strikes nothing", "[[strike]]")]),
        ("modifier = true\n".to_owned(), &[(4, "changes nothing", "lead_times = 3.0")]),
        (
            format!("modifier = true\naway = [\"main\"]\n{PHASE}"),
            &[(6, "no phases of its own", "leave them out")],
        ),
        (format!("lead_times = 500.0\n{strike}"), &[(4, "up to 100 times", "lead_times = 3.0")]),
        (format!("id = \"Big Storm\"\n{strike}"), &[(4, "not the id", "`site_loss`")]),
        (format!("horizon = \"0s\"\n{strike}"), &[(4, "the horizon is zero", "90d")]),
        (format!("when = \"later\"\n{strike}"), &[(4, "`later` is not a start", "tonight")]),
        (format!("{strike}{strike}"), &[(9, "a strike `a` already", "luck")]),
        (format!("{strike}capacity = 0.5\n"), &[(8, "only what is degraded", "degraded")]),
        (format!("{strike}probability = 0\n"), &[(8, "never happens", "chance")]),
        (strike.replace("down", "degraded"), &[(4, "how much still works", "capacity = 0.5")]),
        (strike.replace("host", "hosts"), &[(6, "`hosts` is none", "did you mean `host`")]),
    ];
    for (text, expected) in cases {
        scenario(&format!("{STORM}{text}"), expected);
    }
}

#[test]
fn how_often_and_what_it_costs_from_every_bad_value() {
    let strike = "[[strike]]\nname = \"a\"\nreach = { kinds = [\"host\"] }\neffect = \"down\"\n";
    let once = "exactly one of";
    let rise = "rise and lie between";
    let prior = "prior = { per_year = 0.1, weight = \"5y\" }";
    let frequencies: &[(&str, Expected<'_>)] = &[
        ("{}", (4, "not at all, or twice", once)),
        ("{ source = \"s\" }", (4, "not at all, or twice", once)),
        (
            "{ components = true, per_year = [1, 2], wear = { shape = 2, scale = \"8y\" } }",
            (4, "not at all, or twice", once),
        ),
        ("{ per_year = [2, 1] }", (4, "2 to 1 is no range", rise)),
        ("{ per_year = [0, 0] }", (4, "0 to 0 is no range", rise)),
        ("{ per_year = [-1, 1] }", (4, "-1 to 1 is no range", rise)),
        ("{ per_year = [1, 2000] }", (4, "1 to 2000 is no range", rise)),
        ("{ prior = { per_year = 0, weight = \"5y\" } }", (4, "without a rate", prior)),
        ("{ prior = { per_year = 1, weight = \"0h\" } }", (4, "without weight", prior)),
        (
            "{ per_year = [1, 2], seen = { events = 1, during = \"3y\" } }",
            (4, "what was believed before", prior),
        ),
        (
            "{ prior = { per_year = 1, weight = \"5y\" }, seen = { events = 1, during = \"0h\" } }",
            (4, "in no time", "during = \"3y\""),
        ),
        (
            "{ components = true, wear = { shape = 2, scale = \"1h\" } }",
            (4, "on its first day", "8y"),
        ),
        ("{ wear = { shape = 2, scale = \"8y\" } }", (4, "a scenario has no age", "`bought`")),
        ("{ per_yaer = [1, 2] }", (4, "`per_yaer` is not known", "`per_year`")),
    ];
    for (value, expected) in frequencies {
        scenario(&format!("{STORM}frequency = {value}\n{strike}"), &[*expected]);
    }
    let both = "lognormal";
    let losses: &[(&str, Expected<'_>)] = &[
        ("{}", (4, "exactly one of `fixed`", both)),
        ("{ at_most = 5 }", (4, "exactly one of `fixed`", both)),
        (
            "{ fixed = 5, lognormal = [[0.05, 10], [0.95, 50]] }",
            (4, "exactly one of `fixed`", both),
        ),
        ("{ fixed = 2e12 }", (4, "outside of what can be counted", both)),
        ("{ lognormal = [[0.95, 10], [0.05, 50]] }", (4, "must rise between 0 and 1", both)),
        ("{ lognormal = [[0, 10], [0.95, 50]] }", (4, "must rise between 0 and 1", both)),
        ("{ lognormal = [[0.05, 50], [0.95, 10]] }", (4, "at least 1 and rise", both)),
        ("{ lognormal = [[0.05, 0], [0.95, 10]] }", (4, "at least 1 and rise", both)),
    ];
    for (value, expected) in losses {
        scenario(&format!("{STORM}loss = {value}\n{strike}"), &[*expected]);
    }
    let modifier = format!("{STORM}modifier = true\naway = [\"main\"]\n");
    for key in ["frequency = { per_year = [1, 2] }", "loss = { fixed = 5 }"] {
        scenario(&format!("{modifier}{key}\n"), &[(6, "", "")]);
    }
}

fn map() -> DependencyMap {
    let text = "[organisation]\nname = \"x\"\n[host.srv-erp]\nsite = \"hall\"\ncredential_domain = \
                \"town\"\ntags = [\"old\"]\n[site.hall]\n[person.p]\nskills = [\"linux\"]\n[vendor.msp]\n";
    load::map_from(&[Source::new("map.toml", text)]).expect("a map").value
}

#[test]
fn a_scenario_is_held_against_the_map() {
    let held = |text: &str| {
        let text = format!("{STORM}{text}");
        let scenario = load::scenario_from(&Source::new("storm.toml", text)).expect("a scenario");
        let mut problems = Problems::default();
        load::check_scenario(&scenario.value, &map(), &mut problems);
        problems
    };
    let strike = |reach: &str| {
        format!("[[strike]]\nname = \"a\"\nreach = {{ {reach} }}\neffect = \"down\"\n")
    };
    assert!(held(&strike("site = \"main\", kinds = [\"host\"]")).list.is_empty());
    let nothing: Expected<'_> = (0, "reaches nothing on this map", "");
    let cases: &[(String, &[Expected<'_>])] = &[
        (strike("ids = [\"srv-epr\"]"), &[nothing, (0, "no component `srv-epr`", "`srv-erp`")]),
        (strike("site = \"hell\""), &[nothing, (0, "no site `hell`", "did you mean `hall`")]),
        (strike("credential_domain = \"tawn\""), &[nothing, (0, "login `tawn`", "`town`")]),
        (strike("tags = [\"new\"]"), &[nothing, (0, "tag `new`", "the map has `old`")]),
        (strike("kinds = [\"voice\"]"), &[nothing]),
        (
            format!(
                "away = [\"q\"]\n{}[[phase]]\nphase = \"detect\"\nname = \"n\"\ntakes = \"1h\"\nskill = \
                 \"lunix\"\nwho = \"q\"\nvendor = \"mps\"\n",
                strike("kinds = [\"host\"]")
            ),
            &[
                (0, "no person `q`", ""),
                (0, "skill `lunix`", "`linux`"),
                (0, "no vendor `mps`", "`msp`"),
                (0, "no person or team `q`", ""),
            ],
        ),
    ];
    for (text, expected) in cases {
        compare(text, &held(text), expected);
    }
}

#[test]
fn every_shipped_scenario_is_fit_for_a_map_without_what_it_names() {
    let empty = load::map_from(&[Source::new("map.toml", "[organisation]\nname = \"x\"\n")]);
    let empty = empty.expect("a map").value;
    for (id, text) in SCENARIOS {
        let scenario = load::scenario_from(&Source::new(format!("{id}.toml"), *text));
        let mut problems = Problems::default();
        load::check_scenario(&scenario.expect("a scenario").value, &empty, &mut problems);
        assert!(!problems.is_fatal(), "{id}: {problems}");
    }
}

#[test]
fn evidence_is_read_leniently() {
    let set = r#"{"schema_version":1,"as_of":"2026-11-22T00:00:00Z","evidence":[],"newer":true}"#;
    assert!(load::evidence_from(&Source::new("evidence.json", set)).is_ok());
    let problems = load::evidence_from(&Source::new("evidence.json", "{\n\"evidence\": 5\n}"));
    let problems = problems.expect_err("no list");
    assert_eq!(problems.list[0].place.line, 2);
    assert!(problems.list[0].hint.contains("/evidence"));
}

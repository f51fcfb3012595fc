//! Maps: empty, minimal, everything, then each bad value, through one door.
use evenkeel_config::id::Id;
use evenkeel_config::load::{self, Source};
use evenkeel_config::map::{DependencyMap, Details};
use evenkeel_config::problem::{Problems, Weight};

const EVERYTHING: &str = include_str!("maps/everything.toml");

/// The head of every small map below; its two lines come first.
const HEAD: &str = "[organisation]\nname = \"x\"\n";

/// A problem as expected: its line, and parts of its cause and of its hint.
type Expected<'a> = (usize, &'a str, &'a str);

fn load(text: &str) -> Result<DependencyMap, Problems> {
    load::map_from(&[Source::new("map.toml", text)]).map(|loaded| loaded.value)
}

/// Reads a map and compares all that is said about it, errors and warnings.
fn check(text: &str, expected: &[Expected<'_>]) {
    let problems = match load::map_from(&[Source::new("map.toml", text)]) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => problems,
    };
    let matches = problems.list.len() == expected.len()
        && problems.list.iter().zip(expected).all(|(problem, (line, what, hint))| {
            problem.place.file == "map.toml"
                && problem.place.line == *line
                && problem.what.contains(what)
                && problem.hint.contains(hint)
        });
    assert!(matches, "{text}\nexpected {expected:#?}\nfound\n{problems}");
}

/// The same, below [`HEAD`].
fn check_below(text: &str, expected: &[Expected<'_>]) {
    check(&format!("{HEAD}{text}"), expected);
}

#[test]
fn an_empty_map_lacks_its_organisation() {
    check("", &[(0, "`organisation` is missing", "[organisation]")]);
}

#[test]
fn an_organisation_alone_is_a_map() {
    check(HEAD, &[]);
}

#[test]
fn a_map_with_everything_has_no_problem() {
    check(EVERYTHING, &[]);
    let map = load(EVERYTHING).expect("a map");
    assert_eq!(map.components.len(), 29);
    let dana = &map.components["dana"];
    assert!(matches!(&dana.details, Details::Person(person) if person.leave.len() == 1));
    assert_eq!(map.components["srv-erp"].common.recover.len(), 3);
}

#[test]
fn all_problems_come_at_once() {
    check_below(
        "[hots.a]\n[host.a]\nsite = \"nowhere\"\nbought = 2026-13-01\n",
        &[(6, "not TOML", "2026-11-30")],
    );
    check_below(
        "[hots.b]\n[host.a]\nsite = \"nowhere\"\nrto = \"8h\"\n[function.f]\nrto = \"8h\"\nobjectives = { mtd = 5 }\n",
        &[
            (3, "`hots` is not known", "did you mean `host`"),
            (5, "no component `nowhere`", "[KIND.nowhere]"),
            (6, "`rto` is not known", "the keys here are"),
            (8, "`rto` is not known", "inside `objectives`"),
            (9, "expected a time span, found a number", "in quotes, as in `\"8h\"`"),
        ],
    );
}

#[test]
fn wrong_keys_types_and_quantities() {
    let cases: &[(&str, &[Expected<'_>])] = &[
        ("[host.A]\n", &[(3, "`A` is not an id", "lower-case letter")]),
        ("[host.a]\nnaem = \"x\"\n", &[(4, "`naem` is not known", "did you mean `name`")]),
        ("[host.a]\nname = 5\n", &[(4, "expected a text, found a number", "as in")]),
        ("[host.a]\nname = \"\"\n", &[(4, "the text is empty", "leave the key out")]),
        ("[host.a]\nname = \"a\\u0007\"\n", &[(4, "control character U+0007", "leave it out")]),
        ("[host.a]\nbought = \"2026-02-30\"\n", &[(4, "is not a date", "2026-11-30")]),
        ("[host.a]\ntags = \"x\"\n", &[(4, "expected a list, found a text", "[")]),
        ("[host.a]\nneeds = [5]\n", &[(4, "expected an id or a table", "srv-erp")]),
        ("[host.a]\nneeds = [{ ayn = [] }]\n", &[(4, "none of the keys", "`any`")]),
        ("[link.l]\nbandwidth = \"5 MB\"\n", &[(4, "`5 MB` is not a data rate", "Mbit/s")]),
        (
            "[link.l]\nsharing = \"fiar\"\n",
            &[(4, "`fiar` is none of the words", "did you mean `fair`")],
        ),
        ("[dataset.d]\nsize = \"5 gb\"\n", &[(4, "`5 gb` is not an amount", "GB")]),
        ("[dataset.d]\nfiles = -1\n", &[(4, "-1 is out of range", "at least 0")]),
        ("[person.p]\naway = \"130 %\"\n", &[(4, "`130 %` is not a share", "30 %")]),
        ("[person.p]\naway = 1.5\n", &[(4, "1.5 is out of range", "from 0 to 1")]),
        ("[person.p]\nhours = \"Mon-Fri 8-17\"\n", &[(4, "is not weekly hours", "08:30-17:00")]),
        (
            "[function.f]\ndeadline = \"soon\"\n",
            &[(4, "`soon` is not a deadline", "every Thursday")],
        ),
        (
            "[service.s]\nstart = { low = \"1h\" }\n",
            &[(4, "no law: `low`, `likely`", "likely = \"4h\"")],
        ),
        ("[service.s]\nstart = \"1 fortnight\"\n", &[(4, "is not a time span", "h, d or wk")]),
        ("[team.t]\ncount = inf\n", &[(4, "`inf` is no number", "plain number")]),
        ("[fix.f]\ntitle = \"t\"\n", &[(3, "`once` is missing", "one-off cost")]),
    ];
    for (text, expected) in cases {
        check_below(text, expected);
    }
}

#[test]
fn ids_that_do_not_exist_or_cannot_stand_there() {
    let cases: &[(&str, &[Expected<'_>])] = &[
        (
            "[host.srv-erp]\n[vm.a]\nruns_on = \"srv-epr\"\n",
            &[(5, "no component `srv-epr`", "did you mean `srv-erp`")],
        ),
        ("[host.a]\nsite = \"hall\"\n", &[(4, "no site `hall`", "[site.hall]")]),
        ("[host.a]\n[host.b]\nsite = \"a\"\n", &[(5, "`a` is a host", "kind `site`")]),
        (
            "[host.a]\n[dataset.d]\nbackups = [{ copy = \"a\", every = \"1d\", keep = \"9d\" }]\n",
            &[(5, "`a` is a host", "kind `copy`")],
        ),
        ("[host.a]\nowner = \"a\"\n", &[(4, "names itself", "leave it out")]),
        ("[person.p]\ndeputy = \"p\"\n", &[(4, "names itself", "another person")]),
        (
            "[host.a]\nneeds = [{ any = [\"b\", { id = \"c\" }] }]\n",
            &[(4, "no component `b`", ""), (4, "no component `c`", "")],
        ),
        (
            "[host.a]\n[vm.a]\n",
            &[(4, "`a` is already used at map.toml:3: host.a", "unique across kinds")],
        ),
        (
            "[host.a]\nrecover = [{ step = \"s\", who = \"q\", vendor = \"a\" }]\n",
            &[(4, "no component `q`", ""), (4, "names itself", "")],
        ),
    ];
    for (text, expected) in cases {
        check_below(text, expected);
    }
}

#[test]
fn needs_that_cannot_be_met() {
    let two = "[host.b]\n[host.c]\n[host.a]\n";
    let cases: &[(&str, &[Expected<'_>])] = &[
        (
            "needs = [{ at_least = 3, of = [\"b\", \"c\"] }]\n",
            &[(6, "3 of 2 cannot be counted", "between 1 and 2")],
        ),
        ("needs = [{ at_least = 0, of = [\"b\"] }]\n", &[(6, "0 of 1 cannot", "between 1 and 1")]),
        ("needs = [{ any = [] }]\n", &[(6, "the list is empty", "any = [")]),
        ("needs = [{ all = [] }]\n", &[(6, "the list is empty", "all = [")]),
    ];
    for (text, expected) in cases {
        check_below(&format!("{two}{text}"), expected);
    }
    let deep = format!("{two}needs = [{}\"b\"{}]\n", "{ any = [".repeat(33), "] }".repeat(33));
    check_below(&deep, &[(6, "more than 32 deep", "component of its own")]);
}

#[test]
fn functions_that_contradict_themselves() {
    let stopgap = "workaround = { name = \"paper\", capacity = 0.4, lasts = \"3d\" }\n";
    let cases: &[(&str, &[Expected<'_>])] = &[
        (stopgap, &[(4, "not whether it is good enough", "add `minimum`")]),
        ("minimum = 0\n", &[(4, "never down", "minimum = 0.5")]),
        ("objectives = { rto = \"2d\", mtd = \"1d\" }\n", &[(4, "longer than the MTD", "shorter")]),
        ("objectives = { rto = \"0s\" }\n", &[(4, "`rto` is zero", "15min")]),
        (
            "loss = [{ after = \"1d\", per_hour = 1 }, { after = \"1h\", per_hour = 2 }]\n",
            &[(4, "not later than the 1d before", "rising")],
        ),
        (
            "loss = [{ after = \"1d\", per_hour = -1 }]\n",
            &[(4, "-1 is out of range", "at least 0")],
        ),
        ("deadline_loss = 5\n", &[(4, "no `deadline`", "every second Thursday")]),
        ("catch_up = 0\n", &[(4, "never be cleared", "0.25")]),
    ];
    for (text, expected) in cases {
        check_below(&format!("[function.f]\n{text}"), expected);
    }
}

#[test]
fn failures_that_are_stated_by_half() {
    let pair = |first: &str, second: &str| format!("[host.a]\n{first}\n[host.b]\n{second}\n");
    let psu =
        |more: &str| format!("availability = 0.9\ncommon_cause = {{ group = \"psu\", {more} }}");
    let cases: &[(&str, &[Expected<'_>])] = &[
        ("[host.a]\nmtbf = \"1y\"\n", &[(4, "says nothing without `mttr`", "6h")]),
        ("[host.a]\nmttr = \"1h\"\n", &[(4, "says nothing without `mtbf`", "3y")]),
        (
            "[host.a]\navailability = 0.9\nmtbf = \"1y\"\nmttr = \"1h\"\n",
            &[(4, "stated twice", "alone")],
        ),
        ("[host.a]\navailability = 0\n", &[(4, "never works", "0.999")]),
        ("[host.a]\navailability = 99.9\n", &[(4, "99.9", "")]),
        ("[host.a]\nmtbf = \"1y\"\nmttr = \"0h\"\n", &[(5, "`mttr` is zero", "never fails")]),
        (
            "[host.a]\ncommon_cause = { group = \"psu\", beta = 0.1 }\n",
            &[(4, "not how often it fails", "mtbf")],
        ),
        (&format!("[host.a]\n{}\n", psu("beta = 0.1")), &[(5, "the only one", "same `group`")]),
        (
            &pair(&psu("beta = 0.1"), &psu("beta = 0.2")),
            &[(8, "beta is 0.2 here and 0.1", "whole group")],
        ),
        (
            &pair(&psu("beta = 0.1"), &psu("beta = 0.1").replace("0.9", "0.8")),
            &[(8, "not down equally often", "two groups")],
        ),
    ];
    for (text, expected) in cases {
        check_below(text, expected);
    }
    let same = psu("beta = 0.1").replace("availability = 0.9", "mtbf = \"9d\"\nmttr = \"1d\"");
    check_below(&pair(&psu("beta = 0.1"), &same), &[]);
}

#[test]
fn steps_that_nobody_can_take() {
    let people = "[person.p]\nskills = [\"linux\"]\n[team.t]\ncount = 2\n[host.a]\n";
    let cases: &[(&str, &[Expected<'_>])] = &[
        (
            "recover = [{ step = \"s\", skill = \"linxu\" }]\n",
            &[(8, "nobody has the skill `linxu`", "did you mean `linux`")],
        ),
        (
            "recover = [{ step = \"s\", skill = \"welding\" }]\n",
            &[(8, "nobody has the skill", "have `linux`")],
        ),
        (
            "recover = [{ step = \"s\", skill = \"linux\", heads = 2 }]\n",
            &[(8, "it takes 2 people", "more people")],
        ),
        (
            "recover = [{ step = \"s\", who = \"t\", heads = 3 }]\n",
            &[(8, "`t` is 2", "larger team")],
        ),
        ("recover = [{ step = \"s\", heads = 0 }]\n", &[(8, "without people", "one person")]),
        (
            "recover = [{ step = \"s\" }, { step = \"s\" }]\n",
            &[(8, "a step `s` already", "differently")],
        ),
        ("repair = [{ step = \"s\", each = true }]\n", &[(8, "only a fleet", "count")]),
        ("recover = [{ step = \"s\", reentry = \"9d\" }]\n", &[(8, "only lost data", "dataset")]),
        ("clear = [{ step = \"s\", success = 0 }]\n", &[(8, "never works", "0.9")]),
        (
            "recover = [{ step = \"s\", dataset = \"d\" }]\n[dataset.d]\n",
            &[(8, "how much that is stands nowhere", "420 GB"), (8, "has no backup", "backups")],
        ),
    ];
    for (text, expected) in cases {
        check_below(&format!("{people}{text}"), expected);
    }
}

#[test]
fn dates_zones_people_and_loops() {
    check(
        "[organisation]\nname = \"x\"\ntimezone = \"Mars/Olympus\"\ncurrency = \"dollar\"\n",
        &[(3, "`Mars/Olympus` is not known", "New_York"), (4, "`dollar` is no currency", "USD")],
    );
    let cases: &[(&str, &[Expected<'_>])] = &[
        (
            "[host.a]\nmaintenance = [{ from = 2026-12-02T00:00:00, to = 2026-12-01T00:00:00 }]\n",
            &[(4, "the window ends", "comes before")],
        ),
        (
            "[host.a]\nbought = 2026-01-01\nwarranty_until = 2025-01-01\n",
            &[(5, "before the purchase", "check")],
        ),
        (
            "[person.p]\nleave = [{ from = 2026-12-02, to = 2026-12-01 }]\n",
            &[(4, "before it begins", "last")],
        ),
        ("[person.p]\naway_for = \"5d\"\n", &[(4, "no effect without `away`", "0.135")]),
        ("[team.t]\n", &[(3, "no people", "count = 5")]),
        ("[team.t]\ncount = 2\nat_least = 3\n", &[(5, "3 of 2 people", "between 1 and 2")]),
        ("[fleet.f]\n", &[(3, "no members", "count = 95")]),
        ("[vendor.v]\nengineers = 0\n", &[(4, "nobody works there", "engineers = 2")]),
        (
            "[host.h]\nrecover_needs = [\"v\"]\n[vm.v]\nruns_on = \"h\"\n",
            &[(4, "h -> v -> h", "break_glass")],
        ),
    ];
    for (text, expected) in cases {
        check_below(text, expected);
    }
}

#[test]
fn every_fix_is_tried_out() {
    let base = "[site.s]\n[host.a]\nsite = \"s\"\n[vm.v]\nruns_on = \"a\"\n[fix.f]\ntitle = \"t\"\nonce = 1\n";
    let cases: &[(&str, &[Expected<'_>])] = &[
        ("", &[(8, "changes nothing", "fix.f.set")]),
        ("remove = [\"b\"]\n", &[(11, "no component `b`", "")]),
        ("remove = [\"a\"]\n", &[(8, "vm.v.runs_on: `a` is taken away", "takes its place")]),
        (
            "[fix.f.set.host.a]\nsite = \"t\"\n",
            &[(12, "host.a.site: there is no site `t`", "did you mean `s`")],
        ),
        (
            "[fix.f.set.host.a]\nsitee = \"s\"\n",
            &[(12, "`sitee` is not known", "did you mean `site`")],
        ),
        (
            "[fix.f.set.hots.a]\nsite = \"s\"\n",
            &[(11, "`hots` is not known", "did you mean `host`")],
        ),
        (
            "[fix.f.set.host.s]\n",
            &[(11, "`s` is already used at host.s", "another id"), (11, "`s` is a host", "`site`")],
        ),
        ("set.fix.f.once = 0\n", &[(11, "cannot change fixes", "leave it out")]),
    ];
    for (text, expected) in cases {
        check_below(&format!("{base}{text}"), expected);
    }
}

#[test]
fn a_fix_is_laid_over_the_map() {
    let map = load(EVERYTHING).expect("a map");
    let id: Id = "second-line".parse().expect("an id");
    let fixed = map.with_fix(&id).expect("the fix holds");
    assert!(!fixed.components.contains_key("isp-lte"));
    assert!(fixed.components.contains_key("isp-two"));
    assert!(fixed.components["srv-erp"].common.repair.is_empty());
    assert_eq!(fixed.components["srv-erp"].common.recover.len(), 1);
    assert_eq!(fixed.components["srv-erp"].common.site, map.components["srv-erp"].common.site);
    let Details::Person(dana) = &fixed.components["dana"].details else { panic!("a person") };
    assert_eq!(dana.deputy, None, "the deputy was taken away");
    assert!(fixed.with_fix(&"no-such".parse().expect("an id")).is_err());
}

#[test]
fn work_of_a_removed_person_goes_to_the_deputy_or_the_fix_is_refused() {
    let text = |deputy: &str| {
        format!(
            "{HEAD}[person.p]\n{deputy}[person.q]\n[host.a]\nrecover = [{{ step = \"s\", who = \"p\" }}]\n\
             [fix.f]\ntitle = \"t\"\nonce = 1\nremove = [\"p\"]\n"
        )
    };
    let map = load(&text("deputy = \"q\"\n")).expect("a map");
    let fixed = map.with_fix(&"f".parse().expect("an id")).expect("the fix holds");
    assert_eq!(fixed.components["a"].common.recover[0].who, Some("q".parse().expect("an id")));
    check(&text(""), &[(7, "host.a.recover[0].who: `p` is taken away", "takes its place")]);
}

#[test]
fn files_of_a_folder_are_one_map_and_a_component_stands_in_one() {
    let one = Source::new("a.toml", format!("{HEAD}[host.a]\nsite = \"s\"\n"));
    let two = Source::new("b.toml", "[site.s]\n[host.b]\n");
    let map = load::map_from(&[one.clone(), two]).expect("one map").value;
    assert_eq!(map.components.len(), 3);
    let again = Source::new("b.toml", "\n[host.a]\n");
    let problems = load::map_from(&[one, again]).expect_err("twice");
    let first = &problems.list[0];
    assert_eq!((first.place.file.as_str(), first.place.line), ("b.toml", 2));
    assert!(first.what.contains("already stands at a.toml:3"), "{problems}");
}

#[test]
fn the_order_of_tables_changes_nothing() {
    let tables: Vec<String> = EVERYTHING
        .split("\n\n")
        .filter(|table| !table.starts_with("[[") && !table.starts_with("[host.srv-erp]"))
        .map(str::to_owned)
        .collect();
    let rest: Vec<String> = EVERYTHING
        .split("\n\n")
        .filter(|table| table.starts_with("[[") || table.starts_with("[host.srv-erp]"))
        .map(str::to_owned)
        .collect();
    let forward = [tables.join("\n\n"), rest.join("\n\n")].join("\n\n");
    let mut reversed = tables;
    reversed.reverse();
    let backward = [rest.join("\n\n"), reversed.join("\n\n")].join("\n\n");
    assert_eq!(load(&forward).expect("a map"), load(&backward).expect("a map"));
}

#[test]
fn the_map_that_is_written_is_the_map_that_was_read() {
    let map = load(EVERYTHING).expect("a map");
    let text = toml::to_string(&map.document).expect("a map is TOML");
    assert_eq!(load(&text).expect("a map"), map);
    assert_eq!(load::resolve(map.document.clone()).expect("a map"), map);
}

#[test]
fn a_name_may_be_odd_but_not_endless() {
    let name = "<b>&amp;</b> \u{202e}שלום {{7*7}} $(id) `x`";
    let map = load(&format!("{HEAD}[host.a]\nname = {name:?}\n").replace("\\u{202e}", "\\u202e"));
    assert_eq!(map.expect("a map").components["a"].title(), name);
    let long = format!("[host.a]\nname = \"{}\"\n", "n".repeat(10_240));
    check_below(&long, &[(4, "10240 characters long", "at most 200")]);
}

#[test]
fn a_map_of_two_thousand_components_is_read() {
    let mut text = format!("{HEAD}[person.p]\nskills = [\"linux\"]\n[host.h-0]\n");
    for index in 1..2000 {
        text += &format!(
            "[host.h-{index}]\nneeds = [\"h-{}\", {{ any = [\"h-{}\", \"h-0\"] }}]\nrecover = [{{ step = \
             \"rebuild\", effort = {{ low = \"1h\", likely = \"2h\", high = \"3h\" }}, skill = \"linux\" }}]\n",
            index - 1,
            index / 2,
        );
    }
    assert_eq!(load(&text).expect("a map").components.len(), 2001);
    let wrong = text.replace("\"h-", "\"hh-");
    let problems = load(&wrong).expect_err("no id is right");
    assert_eq!(problems.list.len(), 3 * 1999);
}

#[test]
fn hostile_text_in_messages_is_inert() {
    let text = format!("{HEAD}[host.a]\n\"\\u001b[2J\\u202e\" = 1\n");
    let problems = load(&text).expect_err("an unknown key");
    let shown = problems.to_string();
    assert!(shown.contains("\\u{1b}") && shown.contains("\\u{202e}"), "{shown}");
    assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown}");
    assert!(problems.list.iter().all(|problem| problem.weight == Weight::Error));
}

#[test]
fn how_facts_are_read_and_how_often_parts_fail_from_every_bad_value() {
    let calibration: &[(&str, Expected<'_>)] = &[
        ("success_prior = [0, 1]", (4, "a prior of 0 drills", "[1.4, 0.6]")),
        ("success_prior = [1.4, 20000]", (4, "a prior of 20000 drills", "[1.4, 0.6]")),
        ("success_prior = [1.4]", (4, "", "")),
        ("success_half_life = \"10min\"", (4, "worth nothing", "success_half_life = \"180d\"")),
        ("speed_half_life = \"0h\"", (4, "worth nothing", "speed_half_life = \"180d\"")),
        ("speed_sigma = \"wide\"", (4, "expected a number", "")),
        ("sucess_prior = [1, 1]", (4, "`sucess_prior` is not known", "`success_prior`")),
    ];
    for (line, expected) in calibration {
        check_below(&format!("[calibration]\n{line}\n"), &[*expected]);
    }
    let fails: &[(&str, Expected<'_>)] = &[
        ("{}", (4, "not at all, or twice", "exactly one of")),
        ("{ per_year = [3, 1] }", (4, "3 to 1 is no range", "rise")),
        ("{ prior = { per_year = 0, weight = \"5y\" } }", (4, "without a rate", "prior")),
        ("{ wear = { shape = 2, scale = \"8y\" } }", (4, "its age is not known", "bought")),
        ("{ components = true, per_year = [1, 2] }", (4, "it is the component", "leave it out")),
        ("{ count = 2 }", (4, "not at all, or twice", "exactly one of")),
    ];
    for (value, expected) in fails {
        check_below(&format!("[host.a]\nfails = {value}\n"), &[*expected]);
    }
}

#[test]
fn a_medium_is_one_that_is_known() {
    for medium in ["disk", "removable-disk", "tape", "optical", "cloud"] {
        check_below(&format!("[copy.c]\nmedium = \"{medium}\"\n"), &[]);
    }
    check_below("[copy.c]\nmedium = \"taep\"\n", &[(4, "`taep`", "`tape`")]);
    check_below("[host.h]\nmedium = \"tape\"\n", &[(4, "`medium` is not known", "")]);
}

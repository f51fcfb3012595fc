//! Structures with exact answers, each at its published figures, at more figures
//! against a closed form, and shuffled and renamed; and what is said of people.
use evenkeel_config::id::Id;
use evenkeel_config::record::{
    Failing, FunctionStructure, Importance, Structure, StructureFigures,
};
use evenkeel_simulator::structure::structure;

use crate::support::{HEAD, map, shuffled};

const O1: &str = include_str!("../cases/o01-structure.map.toml");
const O3: &str = include_str!("../cases/o03-common-cause.map.toml");
const THEATRE: &str = include_str!("../cases/o20-theatre.map.toml");
const TWO_TRAIN: &str = include_str!("../cases/o20-two-train.map.toml");
const TWO_OF_THREE: &str = include_str!("../cases/o20-two-of-three.map.toml");
const BRIDGE: &str = include_str!("../cases/o20-bridge.map.toml");

fn whole(text: &str) -> Structure {
    structure(&map(text), &[], 3).unwrap_or_else(|problems| panic!("{problems}"))
}

fn function(text: &str) -> FunctionStructure {
    whole(text).functions.remove(0)
}

fn figures(text: &str) -> StructureFigures {
    function(text).figures.expect("small enough")
}

fn down(text: &str) -> f64 {
    figures(text).unavailability
}

fn near(what: &str, got: f64, exact: f64) {
    within(what, got, exact, 1e-6);
}

fn within(what: &str, got: f64, exact: f64, relative: f64) {
    assert!((got - exact).abs() <= relative * exact.abs(), "{what} is {exact}, computed {got}");
}

fn weight(figures: &StructureFigures, id: &str) -> Importance {
    let is =
        |one: &&Importance| matches!(&one.part.failing, Failing::Component(c) if c.as_str() == id);
    figures.importance.iter().find(is).expect("it matters").clone()
}

/// The cut sets as ids, in order.
fn cut_sets(figures: &StructureFigures) -> Vec<Vec<String>> {
    let name = |failing: &Failing| match failing {
        Failing::Component(id) => id.to_string(),
        Failing::CommonCause(group) => format!("all {group}"),
    };
    let sets = figures.cut_sets.iter();
    sets.map(|set| set.parts.iter().map(|part| name(&part.failing)).collect()).collect()
}

/// The document with other availabilities, by table.
fn with(text: &str, figures: &[(&str, f64)]) -> String {
    let mut text = text.to_owned();
    for (table, availability) in figures {
        let start = text.find(&format!("[{table}]")).expect("the table is there");
        let key = start + text[start..].find("availability = ").expect("it is stated") + 15;
        let end = key + text[key..].find('\n').expect("the line ends");
        text.replace_range(key..end, &availability.to_string());
    }
    text
}

#[test]
fn o1_availability_and_downtime() {
    let figures = figures(O1);
    within("A", figures.availability, 0.998_103_126_6, 1e-10);
    within("hours", figures.hours_down, 16.628, 1e-4);
    for (site, host, isp, other, dns) in
        [(0.9, 0.5, 0.7, 0.2, 0.95), (1.0, 0.999_99, 0.9, 0.9, 1.0), (0.99, 0.01, 0.5, 0.5, 0.01)]
    {
        let text = with(
            O1,
            &[
                ("site.hall", site),
                ("host.h1", host),
                ("host.h2", host),
                ("host.h3", host),
                ("link.fibre", isp),
                ("link.mobile", other),
                ("dns-zone.zone", dns),
            ],
        );
        let hosts = host * host * (3.0 - 2.0 * host);
        let lines = 1.0 - (1.0 - isp) * (1.0 - other);
        within("down", down(&text), 1.0 - site * hosts * lines * dns, 1e-9);
    }
    let names =
        [("hall", "zoo"), ("h1", "w"), ("h2", "b"), ("h3", "m"), ("fibre", "a"), ("zone", "c")];
    within("renamed", down(&shuffled(O1, &names)), down(O1), 1e-12);
}

#[test]
fn o2_importance_of_each_part() {
    let published = [
        ("hall", 0.999_102_2, 0.526_710, Some(527.183), Some(2.112_87)),
        ("zone", 0.998_602_4, 0.263_223, Some(527.183), Some(1.357_26)),
        ("h1", 0.019_768_3, 0.104_215, None, Some(1.116_34)),
        ("h2", 0.019_768_3, 0.104_215, None, Some(1.116_34)),
        ("h3", 0.019_768_3, 0.104_215, None, Some(1.116_34)),
        ("fibre", 0.019_964_1, 0.052_624, None, None),
        ("mobile", 0.004_991_0, 0.052_624, None, None),
    ];
    let names = [("hall", "zoo"), ("h1", "w"), ("fibre", "a"), ("zone", "c")];
    let twin = figures(&shuffled(O1, &names));
    let found = figures(O1);
    for (id, birnbaum, criticality, raw, rrw) in published {
        let renamed = names.iter().find(|(old, _)| *old == id).map_or(id, |(_, new)| new);
        for one in [weight(&found, id), weight(&twin, renamed)] {
            // Published to so many digits; the closed form below goes further.
            within(id, one.birnbaum, birnbaum, 1.1e-5);
            within(id, one.criticality.expect("down at times"), criticality, 1e-5);
            if let Some(raw) = raw {
                near(id, one.raw.expect("down at times"), raw);
            }
            if let Some(rrw) = rrw {
                within(id, one.rrw.expect("others fail, too"), rrw, 5e-6);
            }
        }
    }
    assert_eq!(found.importance.len(), 7);
    // By hand: the derivative of the product, each factor in turn.
    for (site, host, dns) in [(0.999, 0.99, 0.9995), (0.9, 0.6, 0.99), (0.999_999, 0.8, 0.7)] {
        let hosts = [("host.h1", host), ("host.h2", host), ("host.h3", host)];
        let text = with(&with(O1, &hosts), &[("site.hall", site), ("dns-zone.zone", dns)]);
        let found = figures(&text);
        let two_of_three = host * host * (3.0 - 2.0 * host);
        let lines = 0.9999;
        let total = 1.0 - site * two_of_three * lines * dns;
        let check = |id: &str, birnbaum: f64, fails: f64| {
            let one = weight(&found, id);
            within(id, one.birnbaum, birnbaum, 1e-9);
            let share = one.criticality.expect("down at times");
            within(id, share, birnbaum * fails / total, 1e-9);
            let raw = one.raw.expect("down at times");
            within(id, raw, (total + birnbaum * (1.0 - fails)) / total, 1e-9);
            let rrw = one.rrw.expect("others fail, too");
            within(id, rrw, total / (total - birnbaum * fails), 1e-9);
            // Alone, or with at least one of `others` at once.
            let others = match id {
                "h2" => 1.0 - host * host,
                "fibre" => 0.02,
                _ => 1.0,
            };
            let share = one.fussell_vesely.expect("down at times");
            within(id, share, fails * others / total, 1e-9);
        };
        check("hall", two_of_three * lines * dns, 1.0 - site);
        check("zone", two_of_three * lines * site, 1.0 - dns);
        check("h2", 2.0 * host * (1.0 - host) * lines * site * dns, 1.0 - host);
        check("fibre", 0.02 * two_of_three * site * dns, 0.005);
    }
}

/// The map of O3 with so many trains and other figures.
fn trains(count: i32, down: f64, beta: Option<f64>) -> String {
    let trains: Vec<String> = (1..=count).map(|n| format!("\"t{n}\"")).collect();
    let mut text = format!("{HEAD}[function.f]\nneeds = [{{ any = [{}] }}]\n", trains.join(", "));
    for n in 1..=count {
        text += &format!("[service.t{n}]\nneeds = [\"v{n}\", \"p{n}\"]\n");
        for (part, group) in [("v", "valves"), ("p", "pumps")] {
            text += &format!("[host.{part}{n}]\navailability = {}\n", 1.0 - down);
            if let Some(beta) = beta {
                text += &format!("common_cause = {{ group = \"{group}\", beta = {beta} }}\n");
            }
        }
    }
    text
}

#[test]
fn o3_failures_with_a_common_cause() {
    near("n = 3", down(O3), 0.043_080_373_1);
    near("n = 3", down(&trains(3, 0.1, Some(0.2))), 0.043_080_373_1);
    near("n = 2", down(&trains(2, 0.1, Some(0.2))), 0.062_258_678_7);
    near("independent", down(&trains(2, 0.1, None)), 0.0361);
    for (count, fails, beta) in [(3, 0.01, 0.1), (4, 0.3, 0.5), (2, 0.5, 1.0), (4, 0.2, 0.0)] {
        let (shared, own) = (beta * fails, (1.0 - beta) * fails);
        let train: f64 = 1.0 - (1.0 - own) * (1.0 - own);
        let exact = 1.0 - (1.0 - shared) * (1.0 - shared) * (1.0 - train.powi(count));
        within("trains", down(&trains(count, fails, Some(beta))), exact, 1e-9);
    }
    let names = [("t1", "zeta"), ("v2", "a"), ("p3", "kiln"), ("v1", "yard")];
    within("renamed", down(&shuffled(O3, &names)), down(O3), 1e-12);
    let sets = cut_sets(&figures(O3));
    assert_eq!(sets[..2], [vec!["all pumps"], vec!["all valves"]]);
    assert_eq!(sets.len(), 2 + 27, "one valve or pump of each of three trains");
}

#[test]
fn o20_published_models() {
    near("theatre", down(THEATRE), 0.002_07);
    near("two trains", down(TWO_TRAIN), 0.7225);
    near("two of three", down(TWO_OF_THREE), 0.098);
    for (a, b, c) in [(0.5, 0.25, 0.125), (0.999, 0.99, 0.9), (0.1, 0.2, 0.9)] {
        let (x, y, z) = (1.0 - a, 1.0 - b, 1.0 - c);
        let text =
            with(THEATRE, &[("power.generator", a), ("service.relay", b), ("power.mains", c)]);
        within("theatre", down(&text), z * (1.0 - a * b), 1e-9);
        let text = with(TWO_TRAIN, &[("host.v1", a), ("host.p1", b), ("host.v2", c)]);
        within("two trains", down(&text), (1.0 - a * b) * (1.0 - c * 0.3), 1e-9);
        let text = with(TWO_OF_THREE, &[("host.a", a), ("host.b", b), ("host.c", c)]);
        within("two of three", down(&text), x * y * c + x * b * z + a * y * z + x * y * z, 1e-9);
    }
    let renamed = shuffled(THEATRE, &[("generator", "z"), ("mains", "a")]);
    near("renamed", down(&renamed), 0.002_07);
    near("renamed", down(&shuffled(TWO_TRAIN, &[("v1", "z"), ("p2", "a")])), 0.7225);
    near("renamed", down(&shuffled(TWO_OF_THREE, &[("a", "z"), ("c", "d")])), 0.098);
}

#[test]
fn o20_the_bridge_by_its_middle_line() {
    let exact = |l: [f64; 5]| {
        let [one, two, three, four, five] = l;
        let or = |a: f64, b: f64| 1.0 - (1.0 - a) * (1.0 - b);
        // With the middle line both ends are one; without it there are two lines.
        three * or(one, two) * or(four, five) + (1.0 - three) * or(one * four, two * five)
    };
    let tables = ["link.l1", "link.l2", "link.l3", "link.l4", "link.l5"];
    for figures in [
        [0.99, 0.98, 0.9, 0.97, 0.95],
        [0.5, 0.5, 0.5, 0.5, 0.5],
        [0.9, 0.1, 0.7, 0.2, 0.99],
        [0.999, 0.999, 0.0001, 0.99, 0.9],
    ] {
        let changes: Vec<(&str, f64)> = tables.into_iter().zip(figures).collect();
        within("bridge", down(&with(BRIDGE, &changes)), 1.0 - exact(figures), 1e-9);
    }
    let found = figures(BRIDGE);
    assert_eq!(
        cut_sets(&found),
        [vec!["l4", "l5"], vec!["l1", "l2"], vec!["l2", "l3", "l4"], vec!["l1", "l3", "l5"],]
    );
    assert_eq!(found.fewest_failures, Some(2));
    let renamed = shuffled(BRIDGE, &[("l1", "z"), ("l3", "a"), ("l5", "m")]);
    within("renamed", down(&renamed), down(BRIDGE), 1e-12);
}

#[test]
fn a_share_counts_only_where_it_leaves_less_than_the_minimum() {
    let text = |minimum: &str| {
        format!(
            "{HEAD}[function.f]\nminimum = {minimum}\nneeds = [\"a\", {{ id = \"b\", share = 0.4 }}]\n\
             [host.a]\navailability = 0.9\n[host.b]\navailability = 0.5\n"
        )
    };
    for (minimum, exact) in [("0.5", 0.1), ("0.6", 0.1), ("0.7", 0.55), ("1", 0.55)] {
        let found = figures(&text(minimum));
        within(minimum, found.unavailability, exact, 1e-9);
        let reduced = (minimum != "1").then_some(0.55 * 8766.0);
        assert_eq!(found.hours_reduced.is_some(), reduced.is_some(), "{minimum}");
        if let (Some(got), Some(exact)) = (found.hours_reduced, reduced) {
            within(minimum, got, exact, 1e-9);
        }
    }
}

#[test]
fn what_takes_more_failures_than_asked_for_says_how_many() {
    let hosts: String = (0..5).map(|n| format!("[host.h{n}]\navailability = 0.9\n")).collect();
    let text = format!(
        "{HEAD}[function.f]\nneeds = [{{ any = [\"h0\", \"h1\", \"h2\", \"h3\", \"h4\"] }}]\n{hosts}"
    );
    let found = figures(&text);
    assert_eq!((found.fewest_failures, found.cut_sets.len()), (Some(5), 0));
    within("down", found.unavailability, 1e-5, 1e-9);
    // Without any of them it would never be down: no factor is large enough.
    assert!(found.importance.iter().all(|one| one.rrw.is_none()));
}

#[test]
fn only_those_are_single_for_whom_nobody_can_do_it() {
    let found = |people: &str, step: &str| -> Vec<String> {
        let text = format!(
            "{HEAD}[function.f]\nneeds = [\"s\"]\n[host.s]\nrecover = [{{ step = \"r\", {step} }}]\n\
             [host.other]\nrecover = [{{ step = \"r\", vendor = \"v\" }}]\n[vendor.v]\n{people}"
        );
        function(&text).single_persons.iter().map(|one| one.who.id.to_string()).collect()
    };
    let dana = "[person.dana]\nskills = [\"linux\"]\n";
    let two = "[person.dana]\nskills = [\"linux\"]\n[person.kim]\nskills = [\"linux\"]\n";
    let deputy = "[person.dana]\ndeputy = \"kim\"\n[person.kim]\n";
    let team = "[person.dana]\nskills = [\"linux\"]\n[team.t]\ncount = 3\nskills = [\"linux\"]\n";
    assert_eq!(found(dana, "skill = \"linux\""), ["dana"]);
    assert_eq!(found(two, "skill = \"linux\""), [""; 0]);
    assert_eq!(found(two, "skill = \"linux\", heads = 2"), ["dana", "kim"]);
    assert_eq!(found(team, "skill = \"linux\""), [""; 0]);
    assert_eq!(found(dana, "who = \"dana\""), ["dana"]);
    assert_eq!(found(deputy, "who = \"dana\""), [""; 0]);
    assert_eq!(found(dana, "vendor = \"v\""), ["v"]);
}

#[test]
fn loops_are_told_and_hold_each_other_up() {
    let text = format!(
        "{HEAD}[function.f]\nneeds = [\"a\"]\n[host.a]\navailability = 0.9\nneeds = [\"b\"]\n\
         [host.b]\navailability = 0.8\nneeds = [\"a\"]\nrecover_needs = [\"v\"]\n\
         [vm.v]\nruns_on = \"b\"\n"
    );
    let found = whole(&text);
    let rings: Vec<Vec<&str>> = found
        .recovery_cycles
        .iter()
        .map(|ring| ring.iter().map(|one| one.id.as_str()).collect())
        .collect();
    assert_eq!(rings, [["b", "v"]]);
    within("down", down(&text), 1.0 - 0.72, 1e-9);
}

#[test]
fn life_safety_comes_first_and_unknown_functions_are_refused() {
    let text = format!(
        "{HEAD}[function.a]\nneeds = [\"h\"]\n[function.b]\nlife_safety = true\n[host.h]\n"
    );
    let order: Vec<String> = whole(&text).functions.iter().map(|f| f.id.to_string()).collect();
    assert_eq!(order, ["b", "a"]);
    let ask = |id: &str, order| {
        let id: Id = id.parse().expect("an id");
        structure(&map(&text), &[id], order).map(|found| found.functions.len())
    };
    assert_eq!(ask("a", 1), Ok(1));
    for (id, order, what) in
        [("h", 3, "is a host, not a function"), ("c", 3, "no function `c`"), ("a", 4, "4 failures")]
    {
        let problems = ask(id, order).expect_err(what);
        assert!(problems.to_string().contains(what), "{problems}");
    }
}

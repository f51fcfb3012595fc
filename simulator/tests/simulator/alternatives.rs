//! Struck alternatives recover in the order of the plan, one after the other.
use crate::support::{HEAD, Trials, blow, hours};

/// Two ways, of which one is enough; `g` and `h` tell when each is up.
fn ways(need: &str, first: &str, second: &str) -> String {
    format!(
        "[function.f]\nneeds = [{need}]\n\
         [service.a]\nrepair = [{first}]\n[service.b]\nrepair = [{second}]\n"
    )
}

const ONE: &str = "{ step = \"mend\", effort = \"5h\" }";
const TWO: &str = "{ step = \"mend\", effort = \"3h\" }";

/// Hours until a component is up, which nothing needs outright.
fn up(map: &str, scenario: &str, id: &str) -> Option<f64> {
    let trials = Trials::of(&format!("{HEAD}{map}"), scenario, 1, 1);
    let model = &trials.model;
    let mut trial = evenkeel_simulator::kernel::Trial::new(model);
    trial.keep_log();
    trial.run(1, 0);
    let whole = trial.log().iter().find(|(_, entry)| {
        matches!(entry, evenkeel_simulator::kernel::Entry::Whole { node }
            if model.names.ids[*node as usize].as_str() == id)
    });
    whole.map(|(at, _)| *at as f64 / crate::support::HOUR)
}

#[test]
fn struck_alternatives_recover_in_turn_unless_the_need_says_parallel() {
    let down = blow("\"a\", \"b\"", "down", "");
    let any = |list: &str, keys: &str| ways(&format!("{{ any = [{list}]{keys} }}"), ONE, TWO);
    let in_turn = any("\"a\", \"b\"", "");
    assert_eq!(hours(&in_turn, &down, "f"), Some(5.0));
    // The other one's recovery goes on after the function is usable.
    assert_eq!([up(&in_turn, &down, "a"), up(&in_turn, &down, "b")], [Some(5.0), Some(8.0)]);
    let turned = any("\"b\", \"a\"", "");
    assert_eq!(hours(&turned, &down, "f"), Some(3.0));
    assert_eq!(up(&turned, &down, "a"), Some(8.0));
    let beside = any("\"a\", \"b\"", ", parallel = true");
    assert_eq!(hours(&beside, &down, "f"), Some(3.0));
    assert_eq!(up(&beside, &down, "a"), Some(5.0));
    // Only one is struck: it waits for nobody.
    let alone = blow("\"b\"", "down", "");
    assert_eq!(up(&in_turn, &alone, "b"), Some(3.0));
}

#[test]
fn an_alternative_waits_neither_for_what_never_comes_nor_when_something_needs_it_outright() {
    let down = blow("\"a\", \"b\"", "down", "");
    let any = "{ any = [\"a\", \"b\"] }";
    let hopeless = ways(any, "", TWO);
    assert_eq!(hours(&hopeless, &down, "f"), Some(3.0));
    let given_up = ways(
        any,
        "{ step = \"try\", effort = \"2h\", success = 0.000001, on_failure = \"give-up\" }",
        TWO,
    );
    assert_eq!(hours(&given_up, &down, "f"), Some(5.0));
    let outright = format!("{}[function.g]\nneeds = [\"b\"]\n", ways(any, ONE, TWO));
    assert_eq!(hours(&outright, &down, "g"), Some(3.0));
    // The first waits for the second: nothing needs to be stuck.
    let needs = ways(any, "{ step = \"mend\", effort = \"5h\", needs = [\"b\"] }", TWO);
    assert_eq!(up(&needs, &down, "b"), Some(3.0));
    assert_eq!(up(&needs, &down, "a"), Some(8.0));
    // The first is stuck on what nobody brings back: the second goes on.
    let stuck = format!(
        "{}[host.c]\n",
        ways(any, "{ step = \"mend\", effort = \"5h\", needs = [\"c\"] }", TWO)
    );
    let more = blow("\"a\", \"b\", \"c\"", "down", "");
    assert_eq!(hours(&stuck, &more, "f"), Some(3.0));
}

#[test]
fn a_part_of_several_goes_before_the_next_part_as_a_whole() {
    let down = blow("\"a\", \"b\", \"c\"", "down", "");
    let map = format!(
        "{}[service.c]\nrepair = [{{ step = \"mend\", effort = \"1h\" }}]\n",
        ways("{ any = [{ all = [\"a\", \"c\"] }, \"b\"] }", ONE, TWO)
    );
    assert_eq!(up(&map, &down, "c"), Some(1.0));
    assert_eq!(up(&map, &down, "a"), Some(5.0));
    assert_eq!(up(&map, &down, "b"), Some(8.0));
}

#[test]
fn the_hours_name_the_recovery_that_an_alternative_stood_in_line_for() {
    let down = blow("\"a\", \"b\"", "down", "");
    let give_up =
        "{ step = \"try\", effort = \"2h\", success = 0.000001, on_failure = \"give-up\" }";
    let map = format!("{HEAD}{}", ways("{ any = [\"a\", \"b\"] }", give_up, TWO));
    let trials = Trials::of(&map, &down, 1, 1);
    let names = &trials.model.names;
    let hours = &trials.function("f").hours;
    let mut told: Vec<(&str, u128)> = hours
        .iter()
        .map(|((_, _, step), ms)| (names.steps[*step as usize].as_str(), ms / 3_600_000))
        .collect();
    told.sort_unstable();
    assert_eq!(told, [("mend", 3), ("try", 2)]);
}

//! States: what falls when, what still works in part, what lapses, what takes over.
use crate::support::{HEAD, Trials, blow, hours};

#[test]
fn hold_up_times_along_a_chain_add_up() {
    let map = "[function.f]\nneeds = [{ id = \"b\", hold_up = \"1h\" }]\n\
               [service.b]\nneeds = [{ id = \"a\", hold_up = \"2h\" }]\n\
               [service.a]\nrepair = [{ step = \"fix\", effort = \"EFFORT\" }]\n";
    let down = blow("\"a\"", "down", "");
    let lost = |effort: &str| {
        let text = format!("{HEAD}{}", map.replace("EFFORT", effort));
        let trials = Trials::of(&text, &down, 1, 1);
        (trials.function("f").usable[0] / 60_000, trials.function("f").missing[0] / 60_000)
    };
    // Back before three hours are over: nobody noticed.
    assert_eq!(lost("179min"), (0, 0));
    assert_eq!(lost("5h"), (300, 120));
}

#[test]
fn capacity_is_the_least_of_all_the_best_of_any_and_the_kth_of_some() {
    let map = |needs: &str| {
        format!(
            "[function.f]\nneeds = [{needs}]\nminimum = 0.5\n\
             [service.a]\nrepair = [{{ step = \"fix\", effort = \"1h\" }}]\n\
             [service.b]\nrepair = [{{ step = \"fix\", effort = \"3h\" }}]\n\
             [service.c]\nrepair = [{{ step = \"fix\", effort = \"5h\" }}]\n"
        )
    };
    let down = blow("\"a\", \"b\", \"c\"", "down", "");
    assert_eq!(hours(&map("\"a\", \"b\", \"c\""), &down, "f"), Some(5.0));
    assert_eq!(hours(&map("{ any = [\"a\", \"b\", \"c\"] }"), &down, "f"), Some(1.0));
    let two = map("{ at_least = 2, of = [\"a\", \"b\", \"c\"] }");
    assert_eq!(hours(&two, &down, "f"), Some(3.0));
    // Three tenths hang on c: enough is left without it; six tenths: not.
    let share = |share: &str| map(&format!("\"a\", {{ id = \"c\", share = {share} }}"));
    assert_eq!(hours(&share("0.3"), &down, "f"), Some(1.0));
    assert_eq!(hours(&share("0.6"), &down, "f"), Some(5.0));
}

#[test]
fn what_is_degraded_works_in_part_until_it_is_repaired() {
    let map = |minimum: f64| {
        format!(
            "[function.f]\nneeds = [\"a\"]\nminimum = {minimum}\n\
             [service.a]\nrepair = [{{ step = \"fix\", effort = \"4h\" }}]\n"
        )
    };
    let degraded = blow("\"a\"", "degraded", "capacity = 0.6\n");
    assert_eq!(hours(&map(0.6), &degraded, "f"), Some(0.0));
    assert_eq!(hours(&map(0.7), &degraded, "f"), Some(4.0));
    let trials = Trials::of(&format!("{HEAD}{}", map(0.6)), &degraded, 1, 1);
    // Four hours at six tenths leave 1.6 hours of work.
    assert_eq!(trials.function("f").missing[0], 3_600_000 * 16 / 10);
    let brief = blow("\"a\"", "degraded", "capacity = 0.2\nlasts = \"90min\"\n");
    assert_eq!(hours(&map(0.6), &brief, "f"), Some(1.5));
}

#[test]
fn a_failover_with_recovery_beside_it_waits_for_neither() {
    let map = |keys: &str| {
        format!(
            "[function.f]\nneeds = [\"s\"]\n[service.s]\n\
             failover = {{ takes = \"2h\"{keys} }}\n\
             repair = [{{ step = \"restore\", effort = \"5h\" }}]\n"
        )
    };
    let down = blow("\"s\"", "down", "");
    assert_eq!(hours(&map(""), &down, "f"), Some(2.0));
    assert_eq!(hours(&map(", success = 0"), &down, "f"), Some(7.0));
    assert_eq!(hours(&map(", success = 0, parallel = true"), &down, "f"), Some(5.0));
    assert_eq!(hours(&map(", parallel = true"), &down, "f"), Some(2.0));
    // Half the capacity until the restore is done: at five hours, not at seven.
    let weak = map(", capacity = 0.5, parallel = true");
    assert_eq!(hours(&weak, &down, "f"), Some(5.0));
    assert_eq!(hours(&map(", capacity = 0.5"), &down, "f"), Some(7.0));
}

/// A certificate that lapses at midnight after the strike, nine hours on.
const LAPSING: &str = "[function.f]\nneeds = [\"web\"]\n[function.g]\nneeds = [\"host\"]\n\
    [service.web]\nneeds = [\"host\", \"cert\"]\n\
    [host.host]\nrecover = [{ step = \"work\", effort = \"EFFORT\" }]\n\
    [certificate.cert]\nexpires = 2026-11-18\n\
    repair = [{ step = \"renew\", effort = \"30min\" }]\n";

/// The host is lost on the afternoon of the facts, at three.
fn afternoon() -> String {
    blow("\"host\"", "lost", "").replace("2026-11-16 09:00", "2026-11-17 15:00")
}

#[test]
fn a_date_that_passes_during_the_recovery_takes_its_component_down() {
    let lost = afternoon();
    let at = |effort: &str| {
        let map = LAPSING.replace("EFFORT", effort);
        [hours(&map, &lost, "f"), hours(&map, &lost, "g")]
    };
    // Nobody is at work any more at midnight: it is renewed in time.
    assert_eq!(at("8h"), [Some(8.0); 2]);
    // Still at work: renewed within half an hour, long before the host is back.
    assert_eq!(at("10h"), [Some(10.0); 2]);
    assert_eq!(at("9h10min"), [Some(9.5), Some(9.0 + 1.0 / 6.0)]);
    // Nobody can renew it: never.
    let hopeless = LAPSING
        .replace("EFFORT", "10h")
        .replace("repair = [{ step = \"renew\", effort = \"30min\" }]\n", "");
    assert_eq!(hours(&hopeless, &lost, "f"), None);
    assert_eq!(hours(&hopeless, &lost, "g"), Some(10.0));
    // A date of the past is an old entry; one at another time of the year is not looked at.
    let past = LAPSING.replace("EFFORT", "10h").replace("2026-11-18", "2026-11-10");
    assert_eq!(hours(&past, &lost, "f"), Some(10.0));
}

#[test]
fn what_lapses_is_named_in_the_chain() {
    let map = format!("{HEAD}{}", LAPSING.replace("EFFORT", "9h10min"));
    let trials = Trials::of(&map, &afternoon(), 1, 1);
    let names = &trials.model.names;
    let told: Vec<(&str, u128)> = trials
        .function("f")
        .hours
        .iter()
        .map(|((_, _, step), ms)| (names.steps[*step as usize].as_str(), ms / 60_000))
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.contains(&("lapses on 2026-11-18", 540)), "{told:?}");
    assert!(told.contains(&("renew", 30)), "{told:?}");
}

#[test]
fn life_safety_carries_no_money() {
    let map = "[function.f]\nneeds = [\"a\"]\nlife_safety = true\n\
               loss = [{ after = \"0h\", per_hour = 100 }]\n\
               [host.a]\nrecover = [{ step = \"work\", effort = \"4h\" }]\n";
    let lost = blow("\"a\"", "lost", "");
    assert_eq!(Trials::of(&format!("{HEAD}{map}"), &lost, 1, 1).function("f").cost[0], 0);
    let money = map.replace("life_safety = true\n", "");
    assert_eq!(Trials::of(&format!("{HEAD}{money}"), &lost, 1, 1).function("f").cost[0], 40_000);
}

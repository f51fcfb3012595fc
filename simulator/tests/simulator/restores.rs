//! Restores: what is known of a repository, which copy is taken, and what follows.
use evenkeel_simulator::key::Luck;
use evenkeel_simulator::model::NEVER;

use crate::support::{HEAD, Trials, blow, hours};

#[test]
fn the_chance_of_a_repository_is_itself_drawn_from_what_is_known() {
    let map = format!(
        "{HEAD}[function.f]\nneeds = [\"d\"]\n\
         [dataset.d]\nsize = \"1 GB\"\nbackups = [{{ copy = \"nas\", every = \"1h\", keep = \"9d\" }}]\n\
         [copy.nas]\nspeed = \"100 MB/s\"\nrestore_success = 0.7\n"
    );
    let trials = Trials::of(&map, &blow("\"d\"", "lost", ""), 1, 20_000);
    let copy = &trials.model.copies[0];
    assert!((copy.weights.0 - 1.4).abs() < 1e-9 && (copy.weights.1 - 0.6).abs() < 1e-9);
    // Beta(1.4, 0.6) in nights of a low chance (below its median of .760) and a high one.
    let mut back = [0.0; 2];
    for (trial, usable) in (0..).zip(&trials.function("f").usable) {
        let high = Luck::new(1, trial).uniform(copy.chance_key, 0) >= 0.5;
        back[usize::from(high)] += f64::from(u8::from(*usable < NEVER));
    }
    let [low, high] = back.map(|count| count / 1e4);
    assert!((low + high) / 2.0 > 0.69 && (low + high) / 2.0 < 0.71, "{low} {high}");
    assert!(low < 0.52 && high > 0.88, "{low} {high}");
}

/// A guest whose data is backed up every night and kept for ten nights.
const GUEST: &str = "[function.f]\nneeds = [\"guest\", \"books\"]\n\
    [vm.guest]\nclear = [{ step = \"clear\", effort = \"5h\" }]\n\
    recover = [{ step = \"install\", effort = \"2h\" },\n\
    { step = \"restore\", dataset = \"books\", unclean = true }]\n\
    [dataset.books]\nsize = \"360 GB\"\nstored_on = \"guest\"\n\
    backups = [{ copy = \"nas\", every = \"24h\", at = \"22:00\", keep = \"10d\" }]\n\
    [copy.nas]\nspeed = \"100 MB/s\"\nrestore_success = 1\n";

/// Everything of the guest is lost on a Monday at nine.
fn intruder(dwell: &str, more: &str) -> String {
    let strike = blow("\"guest\"", "lost", "");
    strike.replace("[[strike]]", &format!("dwell = \"{dwell}\"\n{more}[[strike]]"))
}

#[test]
fn a_clean_copy_is_preferred_however_old_and_an_unclean_one_has_to_be_cleared() {
    let map = format!("{HEAD}{GUEST}");
    let night = |map: &str, scenario: &str| {
        let trials = Trials::of(map, scenario, 1, 1);
        let function = trials.function("f");
        (function.usable[0], function.data_loss[0])
    };
    let hour = 3_600_000;
    // Nine days inside: the snapshot of ten days and 11 hours less is clean.
    assert_eq!(night(&map, &intruder("9d", "")), (3 * hour, (9 * 24 + 11) * hour));
    // Twelve days: none is clean. The newest one is restored, and the guest cleared.
    assert_eq!(night(&map, &intruder("12d", "")), ((2 + 1 + 5) * hour, 11 * hour));
    // The intruder takes four hours to show: until then the function seems back.
    let late = intruder("12d", "reinfection = \"4h\"\n");
    assert_eq!(night(&map, &late), ((2 + 1 + 4 + 5) * hour, 11 * hour));
    // A plan that does not allow it gives up.
    let strict = map.replace(", unclean = true", "");
    assert_eq!(night(&strict, &intruder("12d", "")), (NEVER, NEVER));
    // The hop of a strike that spreads, where nothing else is said.
    let spread = format!(
        "{}spread = {{ along = \"needs\", probability = 0.5, hop = \"7h\" }}\n",
        intruder("12d", "")
    );
    assert_eq!(night(&map, &spread).0, (2 + 1 + 7 + 5) * hour);
}

#[test]
fn the_second_clearing_is_told_in_the_chain() {
    let trials =
        Trials::of(&format!("{HEAD}{GUEST}"), &intruder("12d", "reinfection = \"4h\"\n"), 1, 1);
    let names = &trials.model.names;
    let told: Vec<(String, u128)> = trials
        .function("f")
        .hours
        .iter()
        .map(|((_, _, step), ms)| (names.steps[*step as usize].clone(), ms / 3_600_000))
        .collect();
    for (step, hours) in [
        ("install", 2),
        ("restore", 1),
        ("the intruder is back with the restored data", 4),
        ("clear", 5),
    ] {
        assert!(told.contains(&(step.to_owned(), hours)), "{step}: {told:?}");
    }
}

#[test]
fn each_file_and_the_opening_take_time_too() {
    let map = "[function.f]\nneeds = [\"d\"]\n\
               [dataset.d]\nsize = \"360 GB\"\nfiles = 1800000\nbackups = [{ copy = \"nas\", every = \"1h\", keep = \"9d\" }]\n\
               [copy.nas]\nspeed = \"100 MB/s\"\nper_file = \"2ms\"\noverhead = \"30min\"\nrestore_success = 1\n";
    assert_eq!(hours(map, &blow("\"d\"", "lost", ""), "f"), Some(1.0 + 1.0 + 0.5));
    let few = map.replace("files = 1800000\n", "");
    assert_eq!(hours(&few, &blow("\"d\"", "lost", ""), "f"), Some(1.0 + 0.5));
}

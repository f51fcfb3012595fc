//! Restores: what is known of a repository, which copy is taken, and what follows.
use evenkeel_simulator::key::Luck;
use evenkeel_simulator::model::NEVER;

use crate::support::{HEAD, Trials, blow};

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

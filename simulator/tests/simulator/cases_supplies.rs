//! Cases with exact answers about what is in stock: spare parts, and a battery.
use statrs::distribution::{ContinuousCDF, DiscreteCDF, Erlang, Poisson};

use crate::support::{FEWER, HOUR, MANY, SEEDS, Sample, Trials, shuffled};

const O15: &str = include_str!("../cases/o15-spares.map.toml");
const O16: &str = include_str!("../cases/o16-battery.map.toml");
const WEEK: &str = include_str!("../cases/o14-week.scenario.toml");
const OUTAGE: &str = include_str!("../cases/o16-outage.scenario.toml");

fn usable(map: &str, scenario: &str, seed: u64, trials: u64) -> Sample {
    Sample::new(&Trials::of(map, scenario, seed, trials).function("f").usable)
}

#[test]
fn o15_a_spare_on_the_shelf() {
    let stock = |pieces: u32| O15.replace("stock = 1", &format!("stock = {pieces}"));
    for seed in SEEDS {
        let sample = usable(O15, WEEK, seed, MANY);
        sample.share(0.0, 0.988_028_4);
        sample.mean(0.083_969 * 24.0, 21.0, 1e-5);
        usable(&stock(2), WEEK, seed, MANY).share(0.0, 0.999_928_1);
        let none = usable(&stock(0), WEEK, seed, 100);
        assert!(none.min() >= 14.0 * 24.0 - 1e-9 && none.max() <= 14.0 * 24.0 + 1e-9);
    }
    // A piece needed now comes with the order of the S-th use before it: it is
    // waited for as long as that order is younger than the lead time.
    for (pieces, units, days) in [(1, 2000, 14.0), (3, 4000, 20.0), (5, 1000, 120.0)] {
        let map = stock(pieces)
            .replace("units_in_use = 20", &format!("units_in_use = {units}"))
            .replace("\"14d\"", &format!("\"{days}d\""));
        let per_day = f64::from(units) * 0.0157 / 365.0;
        let earlier = Erlang::new(u64::from(pieces), per_day).expect("a law");
        let sample = usable(&map, WEEK, 11, FEWER);
        for wait in [0.0, 0.3, 0.7] {
            let exact = 1.0 - earlier.cdf(days * (1.0 - wait));
            sample.share(days * wait * 24.0, exact);
        }
    }
    // Orders that take different times: open ones are Poisson all the same (Palm).
    let map = stock(2)
        .replace("units_in_use = 20", "units_in_use = 2000")
        .replace("\"14d\"", "{ mean = \"14d\" }");
    let open = Poisson::new(2000.0 * 0.0157 / 365.0 * 14.0).expect("a law");
    usable(&map, WEEK, 12, FEWER).share(0.0, open.cdf(1));
    let renamed = shuffled(O15, &[("s", "till"), ("disk", "part")]);
    let week = WEEK.replace("\"s\"", "\"till\"");
    usable(&renamed, &week, 1, MANY).share(0.0, 0.988_028_4);
}

#[test]
fn o16_a_battery_hides_the_short_outages() {
    let check = |map: &str, scenario: &str, seed: u64, trials: u64, battery: f64, mean: f64| {
        let result = Trials::of(map, scenario, seed, trials);
        let function = result.function("f");
        let through = (-battery / mean).exp();
        let sample = Sample::new(&function.usable);
        sample.share(0.0, 1.0 - through);
        // Exponential outages have no memory: what gets through lasts as long again.
        let n = trials as f64;
        let down = function.below_minimum as f64 / n / HOUR * 60.0;
        let deviation = mean * (2.0 * through - through * through).sqrt();
        assert!((down - mean * through).abs() <= 4.0 * deviation / n.sqrt(), "{down}");
        (function.touched as f64 / n, down)
    };
    for seed in SEEDS {
        let (through, down) = check(O16, OUTAGE, seed, MANY, 30.0, 120.0);
        assert!((through - 0.778_800_8).abs() < 0.004, "{through}");
        assert!((down - 93.456).abs() < 1.2, "{down}");
    }
    for (battery, mean) in [(5.0, 120.0), (60.0, 45.0), (240.0, 300.0)] {
        let map = O16.replace("\"30min\"", &format!("\"{battery}min\""));
        let scenario = OUTAGE.replace("\"120min\"", &format!("\"{mean}min\""));
        check(&map, &scenario, 13, FEWER, battery, mean);
    }
    // The same written as what feeds the battery.
    let fed = O16.replace("needs = [\"mains\"]", "power = \"mains\"");
    assert_ne!(fed, O16);
    check(&fed, OUTAGE, 14, FEWER, 30.0, 120.0);
    let renamed = shuffled(O16, &[("s", "till"), ("ups", "box"), ("mains", "grid")]);
    check(&renamed, &OUTAGE.replace("\"mains\"", "\"grid\""), 1, MANY, 30.0, 120.0);
}

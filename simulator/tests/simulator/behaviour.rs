//! Small maps without chance, each for one rule, with the answer worked out by hand.
use evenkeel_simulator::model::NEVER;
use evenkeel_simulator::{Job, simulate};

use crate::support::{HEAD, Trials, as_of, blow, hours, map, scenario};

#[test]
fn the_last_spare_is_gone_and_the_next_has_a_lead_time() {
    let map = "[function.f]\nneeds = [\"a\"]\n[function.g]\nneeds = [\"b\"]\n\
               [host.a]\nrecover = [{ step = \"swap\", spare = \"board\", effort = \"2h\" }]\n\
               [host.b]\nrecover = [{ step = \"swap\", spare = \"board\", effort = \"2h\" }]\n\
               [spare.board]\nstock = 1\nlead_time = \"14d\"\n";
    let lost = blow("\"a\", \"b\"", "lost", "");
    assert_eq!(hours(map, &lost, "f"), Some(2.0));
    assert_eq!(hours(map, &lost, "g"), Some(14.0 * 24.0 + 2.0));
}

#[test]
fn a_deputy_works_while_the_person_is_on_leave() {
    let map = "[function.f]\nneeds = [\"a\"]\n\
               [host.a]\nrecover = [{ step = \"work\", who = \"dana\", effort = \"2h\" }]\n\
               [person.dana]\nhours = \"24x7\"\nleave = [{ from = 2026-11-10, to = 2026-11-17 }]\n\
               [person.kim]\nhours = \"Mon-Fri 12:00-17:00\"\n";
    let lost = blow("\"a\"", "lost", "");
    // Back on Wednesday at midnight, 39 hours later.
    assert_eq!(hours(map, &lost, "f"), Some(39.0 + 2.0));
    let deputy = map.replace("[person.dana]\n", "[person.dana]\ndeputy = \"kim\"\n");
    assert_eq!(hours(&deputy, &lost, "f"), Some(3.0 + 2.0));
}

#[test]
fn overtime_and_fatigue_shape_the_working_day() {
    let map = "[function.f]\nneeds = [\"a\"]\n\
               [host.a]\nrecover = [{ step = \"work\", skill = \"x\", effort = \"12h\", overtime = true }]\n\
               [person.dana]\nskills = [\"x\"]\novertime = \"Mon-Sun 07:00-22:00\"\n";
    let lost = blow("\"a\"", "lost", "");
    assert_eq!(hours(map, &lost, "f"), Some(12.0));
    let tired = map.replace("[person.dana]\n", "[person.dana]\nfatigue = \"10h\"\n");
    // Ten hours on Monday, two from seven o'clock on Tuesday.
    assert_eq!(hours(&tired, &lost, "f"), Some(24.0));
    let normal = map.replace(", overtime = true", "");
    // Eight hours on Monday, four from half past eight on Tuesday.
    assert_eq!(hours(&normal, &lost, "f"), Some(27.5));
}

#[test]
fn a_vendor_answers_in_its_hours_and_works_on_one_ticket_at_a_time() {
    let map = "[function.f]\nneeds = [\"a\"]\n[function.g]\nneeds = [\"b\"]\n\
               [host.a]\nrecover = [{ step = \"fix\", vendor = \"msp\", effort = \"3h\" }]\n\
               [host.b]\nrecover = [{ step = \"fix\", vendor = \"msp\", effort = \"3h\" }]\n\
               [vendor.msp]\nresponse = \"4h\"\nhours = \"Mon-Fri 08:00-18:00\"\nengineers = 1\n";
    let lost = blow("\"a\", \"b\"", "lost", "");
    assert_eq!(hours(map, &lost, "f"), Some(7.0));
    // Two hours are left on Monday after the first ticket, one is done on Tuesday.
    assert_eq!(hours(map, &lost, "g"), Some(24.0));
}

#[test]
fn bytes_sent_before_a_link_fails_are_lost() {
    let map = "[function.f]\nneeds = [\"d\"]\n\
               [dataset.d]\nsize = \"3.6 TB\"\nbackups = [{ copy = \"nas\", every = \"1h\", keep = \"9d\" }]\n\
               [copy.nas]\nlinks = [\"line\"]\nspeed = \"100 MB/s\"\nrestore_success = 1\n\
               [link.line]\nbandwidth = \"200 MB/s\"\n";
    let lost = blow("\"d\"", "lost", "");
    assert_eq!(hours(map, &lost, "f"), Some(10.0));
    let cut = format!(
        "{lost}[[strike]]\nname = \"cut\"\nreach = {{ ids = [\"line\"] }}\neffect = \"down\"\n\
         after = \"4h\"\nlasts = \"1h\"\n"
    );
    assert_eq!(hours(map, &cut, "f"), Some(15.0));
}

#[test]
fn a_slow_repository_leaves_the_rest_of_the_link_to_others() {
    let map = "[function.f]\nneeds = [\"slow\"]\n[function.g]\nneeds = [\"fast\"]\n\
               [dataset.slow]\nsize = \"72 GB\"\nbackups = [{ copy = \"tape\", every = \"1h\", keep = \"9d\" }]\n\
               [dataset.fast]\nsize = \"288 GB\"\nbackups = [{ copy = \"nas\", every = \"1h\", keep = \"9d\" }]\n\
               [copy.tape]\nlinks = [\"line\"]\nspeed = \"20 MB/s\"\nrestore_success = 1\n\
               [copy.nas]\nlinks = [\"line\"]\nspeed = \"200 MB/s\"\nrestore_success = 1\n\
               [link.line]\nbandwidth = \"100 MB/s\"\n";
    let lost = blow("\"slow\", \"fast\"", "lost", "");
    assert_eq!((hours(map, &lost, "f"), hours(map, &lost, "g")), (Some(1.0), Some(1.0)));
}

#[test]
fn a_stopgap_counts_only_while_it_holds() {
    let map = "[function.f]\nneeds = [\"a\"]\nminimum = 0.5\n\
               workaround = { name = \"paper\", capacity = 0.6, after = \"1h\", lasts = \"10h\" }\n\
               [host.a]\nrecover = [{ step = \"work\", effort = \"8h\" }]\n";
    let lost = blow("\"a\"", "lost", "");
    assert_eq!(hours(map, &lost, "f"), Some(1.0));
    let long = map.replace("\"8h\"", "\"20h\"");
    assert_eq!(hours(&long, &lost, "f"), Some(20.0));
    let weak = map.replace("0.6", "0.4");
    assert_eq!(hours(&weak, &lost, "f"), Some(8.0));
    // 1 h at nothing and 7 h at 0.6 leave 3.8 h of work, cleared at a quarter.
    let trials = Trials::of(&format!("{HEAD}{map}"), &lost, 1, 1);
    let recovered = trials.function("f").recovered[0] as f64 / 3.6e6;
    assert!((recovered - (8.0 + 3.8 * 4.0)).abs() < 1e-6, "{recovered}");
}

#[test]
fn loss_is_counted_in_the_hours_of_demand() {
    let map = "[function.f]\nneeds = [\"a\"]\ndemand = \"Mon-Fri 08:00-18:00\"\n\
               loss = [{ after = \"0h\", per_hour = 100 }, { after = \"24h\", per_hour = 300, sum = 50 }]\n\
               deadline = \"every Tuesday 12:00\"\ndeadline_loss = 1000\n\
               [host.a]\nrecover = [{ step = \"work\", effort = \"28h\", cost = 10 }]\n";
    let trials = Trials::of(&format!("{HEAD}{map}"), &blow("\"a\"", "lost", ""), 1, 1);
    // Monday 9 to 18 and Tuesday 8 to 9 at 100, Tuesday 9 to 13 at 300, and the rest.
    assert_eq!(trials.function("f").cost[0], (900 + 100 + 1200 + 50 + 1000) * 100);
    assert_eq!(trials.runs.spent[0], 1000);
}

#[test]
fn a_copy_under_the_same_login_is_lost_unless_nobody_can_delete_it() {
    let map = "[function.f]\nneeds = [\"d\"]\n\
               [dataset.d]\nsize = \"1 GB\"\nbackups = [\n\
               { copy = \"near\", every = \"1h\", keep = \"9d\" },\n\
               { copy = \"far\", every = \"24h\", keep = \"9d\", immutable = true }]\n\
               [copy.near]\nspeed = \"100 MB/s\"\nrestore_success = 1\n\
               [copy.far]\nspeed = \"100 MB/s\"\nrestore_success = 1\n";
    let loss = |ids: &str| {
        let scenario = blow(ids, "lost", "spares_immutable = true\n");
        Trials::of(&format!("{HEAD}{map}"), &scenario, 1, 1).function("f").data_loss[0]
    };
    let hour = 3_600_000;
    assert!(loss("\"d\"") <= hour);
    assert!((hour..=24 * hour).contains(&loss("\"d\", \"near\"")), "the far copy is older");
    assert!(loss("\"d\", \"near\", \"far\"") <= 24 * hour, "what cannot be deleted stays");
    let bare = map.replace(", immutable = true", "");
    let scenario = blow("\"d\", \"near\", \"far\"", "lost", "spares_immutable = true\n");
    let trials = Trials::of(&format!("{HEAD}{bare}"), &scenario, 1, 1);
    assert_eq!(trials.function("f").data_loss[0], NEVER);
    assert_eq!(trials.function("f").usable[0], NEVER);
}

#[test]
fn a_repository_works_or_fails_as_a_whole() {
    // Drawn once for each repository: three snapshots are no three chances.
    let map = "[function.f]\nneeds = [\"d\"]\n\
               [dataset.d]\nsize = \"1 GB\"\nbackups = [{ copy = \"nas\", every = \"1h\", keep = \"9d\" }]\n\
               [copy.nas]\nspeed = \"100 MB/s\"\nrestore_success = 0.7\n";
    let trials = Trials::of(&format!("{HEAD}{map}"), &blow("\"d\"", "lost", ""), 1, 20_000);
    let all = trials.function("f").usable.iter().filter(|ms| **ms == NEVER).count();
    assert!((all as f64 / 2e4 - 0.3).abs() < 0.015, "{all}");
}

#[test]
fn what_stands_on_a_lost_host_is_lost_with_it_and_services_come_back_with_it() {
    let map = "[function.f]\nneeds = [\"erp\"]\n[service.erp]\nruns_on = \"guest\"\nneeds = [\"books\"]\n\
               [vm.guest]\nruns_on = \"hv\"\nrecover = [{ step = \"install\", effort = \"2h\" },\n\
               { step = \"restore\", dataset = \"books\" }]\n\
               [dataset.books]\nsize = \"360 GB\"\nstored_on = \"guest\"\n\
               backups = [{ copy = \"nas\", every = \"1h\", keep = \"9d\" }]\n\
               [host.hv]\nrecover = [{ step = \"rebuild\", effort = \"5h\" }]\n\
               [copy.nas]\nspeed = \"100 MB/s\"\nrestore_success = 1\n";
    assert_eq!(hours(map, &blow("\"hv\"", "lost", ""), "f"), Some(5.0 + 2.0 + 1.0));
    // Down but whole: only the host is repaired.
    assert_eq!(hours(map, &blow("\"hv\"", "down", ""), "f"), Some(5.0));
}

#[test]
fn a_fix_is_compared_on_the_same_nights() {
    let text = format!(
        "{HEAD}[function.f]\nneeds = [\"a\"]\nobjectives = {{ rto = \"6h\" }}\n\
         loss = [{{ after = \"0h\", per_hour = 100 }}]\n\
         [host.a]\nrecover = [{{ step = \"work\", effort = {{ mean = \"8h\" }} }}]\n\
         [fix.faster]\ntitle = \"be twice as fast\"\nonce = 1000\nyearly = 200\n\
         [fix.faster.set.host.a]\nrecover = [{{ step = \"work\", effort = {{ mean = \"4h\" }} }}]\n\
         [fix.nothing]\ntitle = \"do nothing\"\nonce = 1\n[fix.nothing.set.host.a]\nnotes = \"painted\"\n"
    );
    let (map, scenario) = (map(&text), scenario(&blow("\"a\"", "lost", "")));
    let job = Job {
        map: &map,
        scenario: &scenario,
        modifiers: &[],
        evidence: &[],
        as_of: Some(as_of()),
        seed: 1,
        trials: 4000,
        threads: None,
        fixes: true,
    };
    let summary = simulate(&job, &|_, _| {}).unwrap_or_else(|p| panic!("{p}"));
    let [faster, nothing] = summary.fixes.as_slice() else { panic!("two fixes") };
    assert_eq!(faster.id.as_str(), "faster");
    let effect = &faster.effects[0];
    let ms = |p: f64| effect_ms(&summary, p);
    // Same luck, half the time: exactly half of each quantile.
    let won = effect.won_ms.expect("nothing is never");
    assert!((won[0] - ms(0.9) / 2).abs() <= 1, "{won:?}");
    assert!(won[1] < won[0] && won[0] < won[2], "{won:?}");
    // Four hours of 100 saved an event, for 400 a year.
    assert!((faster.saved[0] - 40_000).abs() < 3000, "{:?}", faster.saved);
    assert!((faster.break_even_years.expect("it saves") - 1.0).abs() < 0.1);
    assert_eq!(nothing.effects[0].won_ms, Some([0; 3]));
    assert_eq!((nothing.saved, nothing.break_even_years), ([0; 3], None));
}

fn effect_ms(summary: &evenkeel_config::record::Summary, p: f64) -> i64 {
    let quantile = summary.functions[0].usable_at(p).expect("simulated");
    quantile.value.ms().expect("not never")
}

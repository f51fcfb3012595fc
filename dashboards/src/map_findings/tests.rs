//! Each structural finding on a small map of its own.
use evenkeel_config::load::{Source, map_from};

use super::*;

const HEAD: &str = "[organisation]\nname = \"Town\"\ntimezone = \"UTC\"\n";

fn sentences(text: &str) -> Vec<String> {
    let source = Source::new("map.toml", format!("{HEAD}{text}"));
    let map = map_from(&[source]).unwrap_or_else(|problems| panic!("{problems}")).value;
    let as_of = "2026-11-17T12:00:00Z".parse().expect("a moment");
    let found = findings(&map, as_of);
    found.into_iter().map(|finding| finding.sentence.replace(words::JOIN, " ")).collect()
}

#[test]
fn an_empty_map_has_no_findings() {
    assert_eq!(sentences(""), Vec::<String>::new());
}

#[test]
fn data_without_a_job_is_found() {
    let map = "[dataset.gis]\nname = \"Map files\"\nsize = \"1 GB\"\n";
    assert_eq!(sentences(map), ["no backup job copies the map files"]);
}

#[test]
fn a_copy_under_the_login_of_its_data_is_found() {
    let map = |login: &str, immutable: bool| {
        format!(
            "[host.srv]\ncredential_domain = \"town\"\n\
             [dataset.erp]\nname = \"ERP\"\nsize = \"1 GB\"\nstored_on = \"srv\"\n\
             backups = [{{ copy = \"nightly\", every = \"24h\", keep = \"30d\", immutable = {immutable} }}]\n\
             [copy.nightly]\nname = \"Nightly copy\"\nspeed = \"1 MB/s\"\ncredential_domain = \"{login}\"\n"
        )
    };
    let found = ["whoever takes the login of ERP takes the backup, too: the nightly copy"];
    assert_eq!(sentences(&map("town", false)), found);
    assert!(sentences(&map("vault", false)).is_empty());
    assert!(sentences(&map("town", true)).is_empty());
}

#[test]
fn one_person_without_a_deputy_is_found_by_role() {
    let map = |extra: &str| {
        format!(
            "[person.dana]\nname = \"Dana\"\nrole = \"IT lead\"\nskills = [\"linux\"]\n{extra}\n\
             [host.hv-1]\nrecover = [{{ step = \"reinstall\", effort = \"1h\", skill = \"linux\" }}]\n"
        )
    };
    let alone = ["the IT lead alone can do this step, with no deputy: reinstall (hv 1)"];
    assert_eq!(sentences(&map("")), alone);
    let away =
        ["the IT lead is away to 30 Nov 2026 and has no deputy for this step: reinstall (hv 1)"];
    assert_eq!(sentences(&map("leave = [{ from = \"2026-11-01\", to = \"2026-11-30\" }]")), away);
    assert!(sentences(&map("deputy = \"kim\"\n[person.kim]")).is_empty());
    assert!(sentences(&map("[person.kim]\nskills = [\"linux\"]")).is_empty());
}

#[test]
fn two_lines_through_one_duct_are_found() {
    let map = |second: &str| {
        format!(
            "[service.internet]\nneeds = [{{ any = [\"fibre\", \"lte\"] }}]\n[link.fibre]\nneeds = [\"duct\"]\n\
             [link.lte]\nneeds = [\"{second}\"]\n[site.duct]\n[site.mast]\n"
        )
    };
    let found = ["the fibre and the lte stand in for each other, and both leave by the duct"];
    assert_eq!(sentences(&map("duct")), found);
    assert!(sentences(&map("mast")).is_empty());
}

#[test]
fn a_short_battery_is_found() {
    let map = |runtime: &str| {
        format!(
            "[power.ups]\nname = \"UPS, hall\"\nruntime = \"{runtime}\"\nshutdown_needs = \"12min\"\n"
        )
    };
    assert_eq!(
        sentences(&map("7min")),
        ["UPS, hall lasts 7 min and a clean shutdown takes 12 min"]
    );
    assert!(sentences(&map("12min")).is_empty());
}

#[test]
fn what_lapses_within_60_days_is_found() {
    let map =
        |date: &str| format!("[dns-zone.town]\nname = \"town.example\"\nexpires = \"{date}\"\n");
    let found = ["the domain town.example lapses on 28 Dec 2026, in 41 days"];
    assert_eq!(sentences(&map("2026-12-28")), found);
    assert!(sentences(&map("2027-02-28")).is_empty());
    assert_eq!(sentences(&map("2026-11-01")), ["town.example lapsed on 1 Nov 2026"]);
    let support = "[host.pc]\nname = \"Control PC\"\nsupport_until = \"2025-10-14\"\n";
    assert_eq!(
        sentences(support),
        ["the control PC has been out of its maker's support since 14 Oct 2025"]
    );
}

#[test]
fn a_recovery_loop_is_told_from_what_it_holds_up() {
    let map = |step: &str| {
        format!(
            "[host.hv-1]\nname = \"hv-1\"\nrecover_needs = [\"vault\"]\n\
             recover = [{{ step = \"reinstall\", effort = \"1h\"{step} }}]\n[vm.vault]\nruns_on = \"hv-1\"\n"
        )
    };
    let found = ["to bring hv-1 back you need the vault, and the vault lives on hv-1"];
    assert_eq!(sentences(&map("")), found);
    assert!(sentences(&map(", break_glass = true")).is_empty());
    let ring = "[host.hv-1]\nname = \"hv-1\"\nrecover_needs = [\"passwords\"]\n\
                recover = [{ step = \"reinstall\", effort = \"1h\" }]\n\
                [credential.passwords]\nstored_on = \"vault\"\n[vm.vault]\nruns_on = \"hv-1\"\n";
    let found = "to bring hv-1 back you need the passwords, for which you need the vault, \
                 for which you need hv-1";
    assert_eq!(sentences(ring), [found]);
}

#[test]
fn what_stops_a_life_safety_function_alone_is_found() {
    let map = |second: &str| {
        format!(
            "[function.calls]\nlife_safety = true\nneeds = [{second}]\n[host.srv-1]\nname = \"srv-1\"\n\
             [host.srv-2]\nname = \"srv-2\"\n"
        )
    };
    assert_eq!(sentences(&map("\"srv-1\"")), ["one failure stops the calls: that of srv-1"]);
    assert!(sentences(&map("{ any = [\"srv-1\", \"srv-2\"] }")).is_empty());
}

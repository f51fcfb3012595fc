//! The rule 3-2-1-1-0: each digit from small maps and little evidence, and the
//! words for what ships.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use evenkeel_config::library::EXAMPLES;
use evenkeel_config::load::{self, Source};
use evenkeel_config::map::DependencyMap;
use evenkeel_config::record::{
    Aspect, AspectState, CopyState, DrillFacts, DrillLevel, Evidence, EvidenceSet, Failure,
    FailureKind, Grade, Outcome, Status, Verdict,
};
use evenkeel_config::rule_32110::{Digit, DigitScore, Known, Met, score};
use jiff::{SignedDuration, Timestamp};

/// Two machines in the office, one outside; logins as each case says.
const HOSTS: &str = "[organisation]\nname = \"x\"\n[site.office]\n[site.depot]\n\
    [host.srv]\nsite = \"office\"\ncredential_domain = \"town\"\n\
    [storage.nas]\nsite = \"office\"\ncredential_domain = \"store\"\n\
    [storage.far]\nsite = \"depot\"\ncredential_domain = \"depot\"\n";

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn days_ago(days: i64) -> Timestamp {
    now() - SignedDuration::from_hours(24 * days)
}

/// A map of one data set on `srv` with copies: name, keys of the copy, keys of the job.
fn map(copies: &[(&str, &str, &str)]) -> DependencyMap {
    let jobs: Vec<String> = copies
        .iter()
        .map(|(name, _, job)| {
            format!("{{ copy = \"{name}\", every = \"24h\", keep = \"30d\"{job} }}")
        })
        .collect();
    let mut text = HOSTS.to_owned();
    text += "[dataset.data]\nsize = \"1 GB\"\nstored_on = \"srv\"\n";
    text += &format!("backups = [{}]\n", jobs.join(", "));
    for (name, keys, _) in copies {
        text += &format!("[copy.{name}]\n{keys}\n");
    }
    let loaded = load::map_from(&[Source::new("map.toml", &text)]);
    loaded.unwrap_or_else(|problems| panic!("{text}\n{problems}")).value
}

/// What a check says of a copy: fresh as its lists say, but for what is changed.
fn seen(copy: &str, changed: &[(Aspect, Verdict, Option<Grade>, &str)]) -> Evidence {
    let aspects = Aspect::ALL.map(|aspect| {
        let changed = changed.iter().find(|one| one.0 == aspect);
        let fresh = (aspect, Verdict::Holds, Some(Grade::Listed), "");
        let never = (aspect, Verdict::NeverTested, None, "");
        let (_, verdict, grade, why) =
            *changed.unwrap_or(if aspect == Aspect::Fresh { &fresh } else { &never });
        AspectState { aspect, verdict, grade, as_of: Some(days_ago(0)), why: why.to_owned() }
    });
    Evidence {
        schema_version: 1,
        host: "srv".to_owned(),
        check: format!("backup-{copy}"),
        kind: "restic".to_owned(),
        component: copy.parse().unwrap(),
        started: days_ago(0),
        duration_ms: 1,
        agent_version: "1".to_owned(),
        stale_after: now() + SignedDuration::from_hours(4),
        outcome: Outcome::Observed {
            observations: Vec::new(),
            copies: Vec::new(),
            drills: Vec::new(),
        },
        status: Status::Ok,
        findings: Vec::new(),
        states: vec![CopyState {
            copy: copy.parse().unwrap(),
            dataset: Some("data".parse().unwrap()),
            subject: String::new(),
            group: String::new(),
            aspects: aspects.to_vec(),
        }],
    }
}

fn drill(copy: &str, days: i64, worked: bool) -> DrillFacts {
    let mut drill = DrillFacts::new(
        copy.parse().unwrap(),
        Some("data".parse().unwrap()),
        days_ago(days),
        DrillLevel::Sample,
    );
    drill.worked = worked;
    if !worked {
        drill.why = "key gone".to_owned();
    }
    drill
}

fn digits(map: &DependencyMap, evidence: &[Evidence], drills: &[DrillFacts]) -> Vec<DigitScore> {
    let mut known = Known::of(evidence);
    known.drills.extend(drills);
    let scores = score(map, &known, now());
    assert_eq!(scores.len(), 1);
    scores.into_iter().next().unwrap().digits
}

/// As `yny?n`, and the words of each.
fn spell(digits: &[DigitScore]) -> String {
    let letter = |met| match met {
        Met::Yes => 'y',
        Met::No => 'n',
        Met::CannotTell => '?',
    };
    digits.iter().map(|one| letter(one.met)).collect()
}

#[track_caller]
fn check(
    map: &DependencyMap,
    evidence: &[Evidence],
    drills: &[DrillFacts],
    expected: &str,
    words: &[(Digit, &str)],
) {
    let digits = digits(map, evidence, drills);
    assert_eq!(spell(&digits), expected, "{digits:#?}");
    for (digit, words) in words {
        let one = digits.iter().find(|one| one.digit == *digit).unwrap();
        assert!(one.why.contains(words), "{digit:?}: {} has no {words}", one.why);
    }
    for one in &digits {
        assert_eq!(one.grade.is_some(), one.met == Met::Yes, "{one:?}");
        assert!(!one.why.is_empty() && !one.why.ends_with('.'), "{one:?}");
        assert_eq!(one.advice.is_empty(), one.met == Met::Yes, "{one:?}");
    }
}

const NAS: (&str, &str, &str) = ("near", "stored_on = \"nas\"", "");
const FAR: (&str, &str, &str) = ("away", "stored_on = \"far\"", ", immutable = true");

#[test]
fn a_rule_that_is_kept_is_met() {
    let map = map(&[NAS, FAR]);
    let evidence = [seen("near", &[]), seen("away", &[])];
    let words = [
        (Digit::Copies, "no single strike takes two of the live data, near and away"),
        (Digit::Media, "near on nas"),
        (Digit::OffSite, "away stands at another site"),
        (Digit::Immutable, "by word alone"),
        (Digit::Errors, "away was last restored on 11 November 2026; one other copy never was"),
    ];
    check(&map, &evidence, &[drill("away", 10, true)], "yyyyy", &words);
    let digits = digits(&map, &evidence, &[drill("away", 10, true)]);
    assert_eq!(digits.iter().map(|one| one.have).collect::<Vec<_>>(), [3, 3, 1, 1, 0].map(Some));
}

#[test]
fn without_a_job_nothing_is_met() {
    check(&map(&[]), &[], &[], "nnnnn", &[(Digit::Errors, "no backup job copies it")]);
}

#[test]
fn what_no_check_looked_at_cannot_be_told() {
    let words = [(Digit::Copies, "no check has looked at it"), (Digit::Errors, "nobody knows")];
    check(&map(&[NAS, FAR]), &[], &[], "????n", &words);
}

#[test]
fn what_is_not_met_says_what_to_do() {
    use Verdict as V;
    let told = |map: &DependencyMap, evidence: &[Evidence], drills: &[DrillFacts], digit: usize| {
        digits(map, evidence, drills)[digit].advice.clone()
    };
    let both = [seen("near", &[]), seen("away", &[])];
    let kept = map(&[NAS, FAR]);
    assert!(told(&map(&[]), &[], &[], 0).starts_with("start a backup of it"));
    assert_eq!(told(&kept, &[], &[], 0), "let a check look at near and away");
    assert_eq!(told(&kept, &both[..1], &[], 2), "let a check look at away");
    assert!(told(&kept, &both, &[], 4).starts_with("restore it once as a drill"));
    let failed = [drill("near", 3, false)];
    assert_eq!(told(&kept, &both, &failed, 4), "mend near, then restore from it as a drill");
    assert!(told(&kept, &both, &failed, 0).starts_with("mend near, or add a copy"));
    let loginless = map(&[("near", "site = \"office\"", ""), FAR]);
    assert_eq!(
        told(&loginless, &both, &[], 0),
        "say in the map whose login can destroy near (`credential_domain`)"
    );
    let nowhere = map(&[("near", "credential_domain = \"mine\"", "")]);
    assert_eq!(
        told(&nowhere, &both[..1], &[], 2),
        "say in the map at which site to find near (`site`)"
    );
    let clouded = [seen("near", &[(Aspect::Immutable, V::CannotTell, None, "no rights")])];
    assert_eq!(told(&map(&[("near", NAS.1, "")]), &clouded, &[], 3), "let a check look at near");
}

#[test]
fn copies_that_fall_together_count_once() {
    let near = [seen("near", &[]), seen("away", &[])];
    for (first, second, expected, words) in [
        // the login of the live data
        ("stored_on = \"nas\"\ncredential_domain = \"town\"", FAR.1, "n", "login `town`"),
        // the device of the live data
        ("stored_on = \"srv\"", FAR.1, "n", "the live data and near both stand on srv"),
        // each other's device, login, site
        ("stored_on = \"far\"", FAR.1, "n", "near and away both stand on far"),
        (
            "stored_on = \"nas\"\ncredential_domain = \"depot\"",
            FAR.1,
            "n",
            "whoever holds the login `depot` can take near and away",
        ),
        (
            "site = \"depot\"\ncredential_domain = \"mine\"",
            FAR.1,
            "n",
            "near and away both stand at depot",
        ),
        // what the map does not say
        ("site = \"office\"", FAR.1, "?", "whose login can destroy near"),
        ("credential_domain = \"mine\"", FAR.1, "?", "the map does not say where near stands"),
        ("credential_domain = \"mine\"\nmedium = \"cloud\"", FAR.1, "y", "no single strike"),
        (
            "credential_domain = \"mine\"\nmedium = \"cloud\"",
            "credential_domain = \"yours\"\nmedium = \"cloud\"",
            "?",
            "perhaps in the same one",
        ),
    ] {
        let map = map(&[("near", first, ""), ("away", second, "")]);
        let copies = &digits(&map, &near, &[])[0];
        assert_eq!(spell(std::slice::from_ref(copies)), expected, "{first}: {copies:?}");
        assert!(copies.why.contains(words), "{first}: {copies:?}");
    }
}

#[test]
fn media_are_told_apart_by_device_or_by_name() {
    for (keys, expected, words) in [
        ("stored_on = \"srv\"", "n", "both stand on srv"),
        ("stored_on = \"srv\"\nmedium = \"disk\"", "n", "both stand on srv"),
        ("stored_on = \"srv\"\nmedium = \"tape\"", "y", "near on tape"),
        ("stored_on = \"nas\"", "y", "the live data on srv and near on nas"),
        ("medium = \"cloud\"", "y", "near on cloud storage"),
    ] {
        let media = &digits(&map(&[("near", keys, "")]), &[seen("near", &[])], &[])[1];
        assert_eq!(spell(std::slice::from_ref(media)), expected, "{keys}: {media:?}");
        assert!(media.why.contains(words), "{keys}: {media:?}");
    }
}

#[test]
fn another_site_is_asked_for() {
    for (keys, expected, words) in [
        ("stored_on = \"nas\"", "n", "both stand at office"),
        ("stored_on = \"far\"", "y", "near stands at another site"),
        ("medium = \"cloud\"", "y", "near stands at another site"),
        ("medium = \"tape\"", "?", "does not say where near stands"),
    ] {
        let site = &digits(&map(&[("near", keys, "")]), &[seen("near", &[])], &[])[2];
        assert_eq!(spell(std::slice::from_ref(site)), expected, "{keys}: {site:?}");
        assert!(site.why.contains(words), "{keys}: {site:?}");
    }
}

#[test]
fn immutability_has_its_grade() {
    use Verdict as V;
    let said = ", immutable = true";
    let cases = [
        ("", V::NeverTested, None, "n", None, "nothing says"),
        (said, V::NeverTested, None, "y", Some(Grade::Declared), "by word alone"),
        ("", V::Holds, Some(Grade::Declared), "y", Some(Grade::Declared), "by word alone"),
        (said, V::Holds, Some(Grade::Configured), "y", Some(Grade::Configured), "its settings"),
        ("", V::Holds, Some(Grade::Proven), "y", Some(Grade::Proven), "refused to delete"),
        (said, V::Fails, Some(Grade::Configured), "n", None, "it can be deleted"),
        (said, V::Fails, Some(Grade::Proven), "n", None, "it can be deleted"),
        ("", V::CannotTell, Some(Grade::Configured), "?", None, "near"),
        (said, V::CannotTell, Some(Grade::Proven), "y", Some(Grade::Declared), "by word alone"),
    ];
    for (job, verdict, grade, expected, shown, words) in cases {
        let map = map(&[("near", NAS.1, job)]);
        let evidence = [seen("near", &[(Aspect::Immutable, verdict, grade, "so")])];
        let one = &digits(&map, &evidence, &[])[3];
        assert_eq!(spell(std::slice::from_ref(one)), expected, "{verdict:?} {grade:?} {one:?}");
        assert_eq!(one.grade, shown, "{verdict:?} {grade:?} {one:?}");
        assert!(one.why.contains(words), "{verdict:?} {grade:?} {one:?}");
    }
}

#[test]
fn no_errors_means_a_recent_restore_that_worked() {
    let both = [seen("near", &[]), seen("away", &[])];
    let map = map(&[NAS, FAR]);
    let mut listed = drill("near", 3, true);
    listed.level = DrillLevel::ReadSubset;
    let mut damaged = drill("near", 3, true);
    damaged.damaged = 2;
    let later = DrillFacts { started: days_ago(-2), ..drill("near", 0, true) };
    for (drills, expected, words) in [
        (vec![], "n", "no copy of it was ever restored"),
        (vec![listed], "n", "no copy of it was ever restored"),
        (vec![later], "n", "no copy of it was ever restored"),
        (
            vec![drill("near", 400, true)],
            "n",
            "nobody knows: near was last restored on 17 October 2025, 400 days ago",
        ),
        (vec![drill("near", 3, false)], "n", "near: its last restore drill failed: key gone"),
        (vec![drill("near", 3, true), drill("away", 2, false)], "n", "away: its last"),
        (vec![damaged], "n", "brought back 2 damaged files"),
        (vec![drill("near", 9, false), drill("near", 3, true)], "y", "18 November 2026"),
    ] {
        let errors = &digits(&map, &both, &drills)[4];
        assert_eq!(spell(std::slice::from_ref(errors)), expected, "{errors:?}");
        assert!(errors.why.contains(words), "{errors:?}");
    }
}

#[test]
fn a_copy_that_fails_or_is_out_of_sight_is_not_counted() {
    use Verdict as V;
    let map = map(&[("away", FAR.1, ", immutable = true")]);
    let worked = [drill("away", 3, true)];
    for (aspect, verdict, expected) in [
        (Aspect::Fresh, V::Fails, "nnnnn"),
        (Aspect::Complete, V::Fails, "nnnnn"),
        (Aspect::Intact, V::Fails, "nnnnn"),
        (Aspect::DataSampled, V::Fails, "nnnnn"),
        (Aspect::Restorable, V::Fails, "nnnnn"),
        (Aspect::Reachable, V::Fails, "n????"),
        (Aspect::Authenticated, V::Fails, "n????"),
        (Aspect::Plausible, V::Fails, "n????"),
        (Aspect::Fresh, V::CannotTell, "n????"),
        (Aspect::Intact, V::CannotTell, "n????"),
        (Aspect::Unlocked, V::Fails, "nyyyy"),
    ] {
        let evidence = [seen("away", &[(aspect, verdict, Some(Grade::Listed), "because")])];
        check(&map, &evidence, &worked, expected, &[]);
    }
    let mut old = seen("away", &[]);
    old.stale_after = days_ago(1);
    old.started = days_ago(3);
    check(&map, &[old], &worked, "n????", &[(Digit::OffSite, "last looked at 3 days ago")]);
    let mut bare = seen("away", &[]);
    bare.states.clear();
    for (kind, expected) in [(FailureKind::NetworkDown, "n????"), (FailureKind::NotFound, "nnnnn")]
    {
        let failure = Failure { kind, what: "gone".to_owned(), advice: String::new() };
        bare.outcome = Outcome::Failed { failure };
        check(&map, std::slice::from_ref(&bare), &worked, expected, &[]);
    }
}

fn example(name: &str) -> (DependencyMap, EvidenceSet) {
    let one = EXAMPLES.iter().find(|one| one.name == name).unwrap();
    let sources: Vec<Source> =
        one.map.iter().map(|(file, text)| Source::new(*file, *text)).collect();
    let map = load::map_from(&sources).unwrap_or_else(|problems| panic!("{problems}")).value;
    let source = Source::new("evidence.json", one.evidence);
    let set = load::evidence_from(&source).unwrap_or_else(|problems| panic!("{problems}"));
    (map, set)
}

fn told(name: &str) -> Vec<String> {
    let (map, set) = example(name);
    let at = set.as_of;
    let sets = [set];
    let scores = score(&map, &Known::of_sets(&sets), at);
    let lines = scores.iter().flat_map(|one| {
        let line = |digit: &DigitScore| {
            format!("{} {}: {}, {}", one.dataset, digit.digit.name(), digit.met.word(), digit.why)
        };
        one.digits.iter().map(line).collect::<Vec<_>>()
    });
    lines.collect()
}

#[test]
fn the_city_hall_is_told_in_words() {
    as_kept(&told("city-hall"), include_str!("rule_32110/city-hall.txt"));
}

/// Compares with a kept text; says the whole of what is, to be looked at and kept.
fn as_kept(lines: &[String], kept: &str) {
    let now = lines.join("\n") + "\n";
    assert!(now == kept, "what is said now:\n{now}");
}

#[test]
fn nothing_improves_to_met_when_evidence_goes_or_ages() {
    for one in EXAMPLES {
        let (map, set) = example(one.name);
        let met = |set: &EvidenceSet, at| {
            let sets = [set.clone()];
            let scores = score(&map, &Known::of_sets(&sets), at);
            scores
                .iter()
                .flat_map(|one| one.digits.iter().map(|digit| digit.met == Met::Yes))
                .collect::<Vec<bool>>()
        };
        let before = met(&set, set.as_of);
        let never_better = |after: Vec<bool>, what: &str| {
            let better = before.iter().zip(&after).any(|(before, after)| !before && *after);
            assert!(!better, "{}: {what}", one.name);
        };
        for at in 0..set.evidence.len() {
            let mut less = set.clone();
            let gone = less.evidence.remove(at);
            never_better(met(&less, set.as_of), &gone.check);
        }
        let later = set.as_of + SignedDuration::from_hours(24 * 2);
        let after = met(&set, later);
        assert!(after.iter().all(|met| !met), "{}: old evidence meets nothing", one.name);
        never_better(after, "two days later");
    }
}

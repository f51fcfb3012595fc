//! What the page says of hosts, restores and dates, on the sample town.
use super::*;
use crate::pages::town;

fn shown(picture: &Picture) -> String {
    page(picture, &Ask::default()).into_string()
}

#[test]
fn the_town_s_evidence_is_shown() {
    let page = shown(&town::picture());
    town::show("evidence", &page);
    town::assert_sound(&page);
    let headline = "One server is silent, three of four data sets have no recent proof of restore and the \
                    domain lapses on 28\u{a0}December.";
    assert!(page.contains(headline), "{}", &page[page.find("<h1").expect("a headline")..][..300]);
    for words in
        ["key file missing", "never drilled", "too long ago", "in no job", "24\u{a0}d", "11\u{a0}h"]
    {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn nothing_of_a_silent_host_is_ok() {
    let mut picture = town::picture();
    for host in picture.hosts.values_mut() {
        host.silent = true;
    }
    let matrix = Matrix::of(&picture);
    let page = matrix.table().into_string();
    assert!(page.contains("x-unknown") && page.contains("x-critical"));
    let quiet = page.matches("x-ok").count();
    // what the map says of batteries and what was drilled does not come from the host
    let known = page.matches("12 Aug").count();
    assert_eq!(quiet, known, "{page}");
}

#[test]
fn old_facts_turn_unknown() {
    let mut picture = town::picture();
    picture.as_of = "2027-03-01T00:00:00Z".parse().expect("a moment");
    let matrix = Matrix::of(&picture);
    let page = matrix.table().into_string();
    assert!(!page.contains("worn"), "a stale warning is unknown");
    assert!(page.contains("17 Nov 2026"), "the day of the facts stands in their place");
}

#[test]
fn no_host_and_no_data_are_said_in_words() {
    let page = shown(&town::of_map(town::EMPTY));
    town::assert_sound(&page);
    assert!(page.contains("We have not heard from any host yet."));
    assert!(page.contains("No data set is on the map yet."));
}

#[test]
fn planned_work_is_shown_with_its_end() {
    let mut picture = town::picture();
    let window = evenkeel_config::map::MaintenanceWindow {
        from: jiff::civil::date(2026, 11, 17).at(0, 0, 0, 0),
        to: jiff::civil::date(2026, 11, 18).at(6, 0, 0, 0),
        what: None,
    };
    let id = "hv-2".parse().expect("an id");
    let host: &mut evenkeel_config::map::Component =
        picture.map.components.get_mut::<evenkeel_config::id::Id>(&id).expect("a host");
    host.common.maintenance.push(window);
    let page = Matrix::of(&picture).table().into_string();
    assert!(page.contains("planned work: ") && page.contains("to Wed 18"));
}

#[test]
fn a_hostile_host_name_stays_text() {
    let mut picture = town::picture();
    let host = picture.hosts.values().next().expect("a host").clone();
    picture.hosts.insert("<script>\u{202e}".to_owned(), host);
    town::assert_sound(&shown(&picture));
}

/// What the hub makes of an evidence set, with everybody heard from.
fn example(example: &evenkeel_config::library::Example) -> Picture {
    use evenkeel_config::load::{Source, evidence_from};
    use evenkeel_config::record::Outcome;
    let texts: Vec<&str> = example.map.iter().map(|(_, text)| *text).collect();
    let mut picture = town::of_map(&texts.join("\n"));
    let source = Source::new("evidence.json", example.evidence);
    let set = evidence_from(&source).unwrap_or_else(|problems| panic!("{problems}"));
    picture.as_of = set.as_of;
    for evidence in set.evidence {
        if let Outcome::Observed { drills, .. } = &evidence.outcome {
            picture.drills.extend(drills.iter().cloned());
        }
        let silent = evidence.stale_after < set.as_of;
        let heard = picture.hosts.entry(evidence.host.clone()).or_insert_with(|| {
            let checks = BTreeMap::new();
            crate::picture::HostPicture { last_heard: evidence.started, silent, checks }
        });
        heard.checks.insert(evidence.check.clone(), evidence);
    }
    picture
}

#[test]
fn the_evidence_of_every_example_is_shown() {
    for one in evenkeel_config::library::EXAMPLES {
        let picture = example(one);
        let page = shown(&picture);
        town::show(&format!("evidence-{}", one.name), &page);
        town::assert_sound(&page);
        assert!(page.contains("never drilled"), "{}", one.name);
        assert!(page.contains("failed"), "{}", one.name);
    }
}

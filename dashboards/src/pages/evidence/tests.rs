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

/// The cells of a data set's row in the section of the rule.
fn digits_of(page: &str, dataset: &str) -> Vec<String> {
    let section = &page[page.find("id=\"h-rule\"").expect("the section of the rule")..];
    let section = &section[..section.find("</section>").expect("its end")];
    let row = section.split("<tr").find(|row| row.contains(&format!(">{dataset}<")));
    row.expect(dataset).split("<td").skip(1).map(str::to_owned).collect()
}

/// Shape and word of a cell, as it is seen and as it is heard.
fn is(cell: &str, shape: &str, word: &str) -> bool {
    cell.contains(&format!("#s-{shape}")) && cell.contains(&format!("<span class=\"vh\">{word}: "))
}

#[test]
fn the_rule_is_told_digit_by_digit() {
    let picture = crate::pages::sample::picture();
    let page = shown(&picture);
    town::show("evidence-sample", &page);
    town::assert_sound(&page);
    let names: Vec<&str> =
        page.split("data-l=\"").filter_map(|at| at.split(":\"").next()).collect();
    for digit in ["3 copies", "2 media", "1 off-site", "1 offline or immutable"] {
        assert!(names.contains(&digit), "{digit}");
    }
    // One copy that no check has looked at: too few places whatever it is, and the rest open.
    let payroll = digits_of(&page, "Payroll and accounts");
    assert_eq!(payroll.len(), 5);
    assert!(is(&payroll[0], "critical", "not met"), "{}", payroll[0]);
    assert!(payroll[0].contains("1\u{a0}of\u{a0}3<"), "{}", payroll[0]);
    for open in [1, 2, 4] {
        assert!(is(&payroll[open], "unknown", "cannot tell"), "{}", payroll[open]);
    }
    assert!(payroll[1].contains("1\u{a0}of\u{a0}2\u{a0}sure"), "{}", payroll[1]);
    // The last drill of this one failed.
    let dispatch = digits_of(&page, "Dispatch entries");
    assert!(is(&dispatch[4], "critical", "not met") && dispatch[4].contains("1\u{a0}known"));
    for cell in digits_of(&page, "Map files") {
        assert!(is(&cell, "critical", "not met"), "{cell}");
    }
    // Nothing was seen, so nothing is met.
    let section = &page[page.find("id=\"h-rule\"").expect("the rule")..];
    assert!(!section[..section.find("</section>").expect("its end")].contains("#s-ok"));
}

#[test]
fn what_the_copies_lack_is_told_once_with_what_to_do() {
    let page = shown(&crate::pages::sample::picture());
    let lacks = &page[page.find("id=\"h-lack\"").expect("the section")..];
    let lacks = &lacks[..lacks.find("</section>").expect("its end")];
    let groups: Vec<&str> = lacks.split("<tbody").skip(1).collect();
    assert!(groups[0].contains(">Every digit<") && groups[0].contains("Map files"), "{lacks}");
    assert!(groups[0].contains("No backup job copies it.") && groups[0].contains("Start a backup"));
    let row = |words: &str| lacks.split("<tr").find(|row| row.contains(words)).expect(words);
    let failed = row("the repository key was refused");
    assert!(failed.contains("not met") && failed.contains("Mend restic on the NAS"), "{failed}");
    let open = row("cannot tell");
    assert!(open.contains("no check has looked at it"), "{open}");
    assert!(open.contains("Let a check look at restic on the NAS"), "{open}");
}

#[test]
fn how_a_digit_is_known_stands_below_it() {
    let cells = digits_of(&shown(&town::picture()), "ERP data");
    let met: Vec<&String> = cells.iter().filter(|cell| is(cell, "ok", "met")).collect();
    assert!(met.iter().all(|cell| cell.contains("#p-m") || cell.contains("#p-t")), "{met:?}");
    assert!(met.iter().any(|cell| cell.contains("seen in its lists")), "{cells:?}");
}

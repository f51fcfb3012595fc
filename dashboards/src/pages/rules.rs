//! What holds on Tonight, Function and the first page, whatever the picture.
use std::collections::BTreeMap;

use evenkeel_config::record::{
    Elapsed, Evidence, Finding, FunctionSummary, Outcome, Quantile, Status,
};
use jiff::Timestamp;

use super::{first, function, sample, tonight};
use crate::html::words::JOIN;
use crate::picture::{Ask, HostPicture, Picture};

fn ask(function: &str) -> Ask {
    Ask { scenario: Some("ransomware".to_owned()), function: Some(function.to_owned()) }
}

/// The three pages, the Function page once for each function.
fn pages(picture: &Picture) -> Vec<String> {
    let functions = picture.summaries.iter().flat_map(|summary| &summary.functions);
    let each = functions.map(|one| function::page(picture, &ask(one.id.as_str())).into_string());
    let tonight = tonight::page(picture, &ask("payroll")).into_string();
    let first = first::page(picture, &Ask::default()).into_string();
    each.chain([tonight, first, first::functions_page(picture).into_string()]).collect()
}

fn changed(change: impl Fn(&mut FunctionSummary)) -> Picture {
    let mut picture = sample::picture();
    picture.summaries[0].functions.iter_mut().for_each(change);
    picture
}

fn quantiles(likely: Elapsed, bad_night: Elapsed) -> Vec<Quantile> {
    let one = |p, value| Quantile { p, value, low: value, high: value };
    vec![one(0.5, likely), one(0.8, bad_night), one(0.9, bad_night), one(0.95, bad_night)]
}

/// The page's text in the order of reading, joins as spaces.
fn text(page: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for character in page.chars() {
        match character {
            '<' => inside = true,
            '>' => {
                inside = false;
                text.push(' ');
            }
            JOIN => text.push(' '),
            other if !inside => text.push(other),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn heading(page: &str) -> String {
    let start = page.find("<h1>").expect("a headline");
    let end = page.find("</h1>").expect("its end");
    text(&page[start..end])
}

fn tonight_heading(picture: &Picture) -> String {
    heading(&tonight::page(picture, &ask("")).into_string())
}

#[test]
fn pages_need_no_script_and_carry_no_style() {
    for page in pages(&sample::picture()) {
        for word in ["<script", "<style", " style=", " onclick", "javascript:", "http:", "https:"] {
            assert!(!page.contains(word), "{word} in {}", heading(&page));
        }
    }
}

#[test]
fn words_that_claim_too_much_are_on_no_page() {
    let never = [
        "secure",
        "compliant",
        "fully protected",
        "backup successful",
        "RTO breached",
        "P95",
        "P90",
        "human error",
        "worst case",
        "stochastic",
        "99.9",
        "score",
        "NaN",
        "inf ",
    ];
    for page in pages(&sample::picture()) {
        let text = text(&page);
        for word in never {
            assert!(!text.contains(word), "{word} in {text}");
        }
    }
}

#[test]
fn every_function_of_the_map_has_a_number_or_no_objective_set() {
    let picture = sample::picture();
    for page in [tonight::page(&picture, &ask("")), first::page(&picture, &Ask::default())] {
        let page = page.into_string();
        for function in &picture.summaries[0].functions {
            let row = page.split("<tr").find(|row| row.contains(&format!(">{}<", function.title)));
            let row = text(row.expect(&function.title));
            let number = row.chars().any(|character| character.is_ascii_digit());
            assert!(number || row.contains("no objective set"), "{row}");
        }
    }
}

#[test]
fn people_appear_by_role() {
    let mut picture = sample::picture();
    for page in pages(&picture) {
        for name in ["Dana", "Reyes", "Kim", "Oduya", "dana"] {
            assert!(!page.contains(name), "{name} in {}", heading(&page));
        }
    }
    picture.map.organisation.show_names = true;
    let shown = function::page(&picture, &ask("payroll")).into_string();
    assert!(shown.contains("wait for one person, Dana Reyes"), "{}", heading(&shown));
}

#[test]
fn life_safety_carries_no_money() {
    let picture = sample::picture();
    let page = tonight::page(&picture, &ask("")).into_string();
    let table =
        page.split("Life safety</th>").nth(1).and_then(|rest| rest.split("</tbody>").next());
    assert!(!table.expect("the group").contains('$'));
    let page = function::page(&picture, &ask("dispatch")).into_string();
    assert!(!text(&page).contains('$'), "{}", text(&page));
}

#[test]
fn the_same_figure_is_the_same_text_everywhere() {
    let picture = sample::picture();
    let tonight = text(&tonight::page(&picture, &ask("")).into_string());
    let payroll = text(&function::page(&picture, &ask("payroll")).into_string());
    for page in [&tonight, &payroll] {
        for figure in ["24 h", "2 d", "9 d", "2 nights", "26 h", "6 d", "9 d to 5 d", "$600"] {
            assert!(page.contains(figure), "{figure} in {page}");
        }
    }
}

#[test]
fn a_deadline_inside_the_outage_is_named() {
    let page = function::page(&sample::picture(), &ask("payroll")).into_string();
    assert!(
        text(&page).contains("The deadline on Thu 19 Nov, 12:00 falls into the likely outage.")
    );
}

#[test]
fn unknown_is_never_green() {
    let picture = changed(|function| function.stale = vec![sample::id("forms")]);
    let page = tonight::page(&picture, &ask("")).into_string();
    assert!(!page.contains("st-ok") && !page.contains(r##"<use href="#s-ok""##));
    assert!(
        page.contains("6 nights in\u{a0}10 on data of 12\u{a0}Nov")
            || page.contains("on data of 12\u{a0}Nov")
    );
    assert!(!page.contains(r#"class="rng""#) || page.matches("rng-u").count() >= 12);
    assert!(text(&page).contains("None of 11 promises can be judged."));
}

#[test]
fn text_from_documents_stays_inert() {
    let picture = changed(|function| {
        function.title = format!("<b onclick=x>\u{202e}{}\u{7}", function.title);
        function.cannot = (function.id.as_str() == "mail").then(|| "<script>x</script>".to_owned());
    });
    for page in pages(&picture) {
        assert!(!page.contains("<b onclick") && !page.contains("<script"), "{}", heading(&page));
        assert!(!page.contains('\u{202e}') && !page.contains('\u{7}'));
    }
}

#[test]
fn headlines_fit_the_shape_of_the_answer() {
    let hour = |hours: i64| Elapsed::Ms(hours * 3_600_000);
    let shaped = |likely: Elapsed, bad_night: Elapsed| {
        let mut picture = changed(|function| {
            function.usable = quantiles(likely, bad_night);
            function.workaround = None;
            function.life_safety = false;
        });
        picture.summaries[0].functions.retain(|one| one.id.as_str() == "payroll");
        tonight_heading(&picture)
    };
    let table = [
        (
            hour(0),
            hour(0),
            "Nothing stops: the one function on the map goes on, also on a bad night.",
        ),
        (hour(0), hour(5), "Payroll is likely not hit; on a bad night it takes 5 hours."),
        (hour(0), Elapsed::Never, "Payroll is likely not hit; on a bad night it never comes back."),
        (hour(48), hour(216), "Payroll is likely back in 2 days; on a bad night it takes 9."),
        (hour(5), hour(216), "Payroll is likely back in 5 hours; on a bad night it takes 9 days."),
        (hour(48), hour(48), "Payroll is back in 2 days, likely and on a bad night."),
        (
            hour(48),
            Elapsed::Never,
            "Payroll is likely back in 2 days; on a bad night it never comes back.",
        ),
        (Elapsed::Never, Elapsed::Never, "Payroll likely never comes back."),
    ];
    for (likely, bad_night, expect) in table {
        assert_eq!(shaped(likely, bad_night), expect);
    }
    let reason = changed(|function| {
        function.usable = quantiles(Elapsed::Never, Elapsed::Never);
        function.cost.clear();
    });
    let page = function::page(&reason, &ask("tax")).into_string();
    assert_eq!(
        heading(&page),
        "Tax and deeds likely never come back: map files are in no backup job."
    );
}

#[test]
fn what_cannot_be_simulated_is_said() {
    let picture = changed(|function| {
        function.cannot = Some("no people are on the map".to_owned());
        function.usable.clear();
        function.rto = None;
    });
    let page = text(&tonight::page(&picture, &ask("")).into_string());
    assert!(page.contains("nothing could be simulated yet"), "{page}");
    assert!(page.contains("no people are on the map"), "{page}");
    let page = function::page(&picture, &ask("payroll")).into_string();
    assert_eq!(heading(&page), "We cannot say yet when Payroll is back: no people are on the map.");
}

#[test]
fn no_objectives_many_functions_and_long_names_still_read_well() {
    let mut picture = changed(|function| {
        function.objectives.rto = None;
        function.rto = None;
        function.title = format!("{} {}", function.title, "x".repeat(200));
    });
    let functions = &mut picture.summaries[0].functions;
    let more: Vec<FunctionSummary> = (0..50)
        .map(|at| FunctionSummary { id: sample::id(&format!("more-{at}")), ..functions[4].clone() })
        .collect();
    functions.extend(more);
    let page = tonight::page(&picture, &ask("")).into_string();
    assert!(heading(&page).chars().count() < 240, "{}", heading(&page));
    assert_eq!(page.matches("no objective set").count(), 2 * 62);
    assert!(text(&page).contains("No promise is set, so nothing can be called kept or missed."));
}

#[test]
fn without_functions_the_first_page_asks() {
    let mut picture = sample::picture();
    picture.summaries[0].functions.clear();
    picture.summaries.truncate(1);
    picture.map.components.clear();
    let page = text(&tonight::page(&picture, &ask("")).into_string());
    assert!(
        page.contains("Cannot be simulated yet: no business function is on the map and no people")
    );
    assert!(page.contains("Who can bring systems back, and when do they work?"), "{page}");
    assert!(!page.contains("The checks found no fault"), "silence is not health: {page}");
}

#[test]
fn the_first_page_shows_the_findings_of_a_host() {
    let at: Timestamp = "2026-11-17T12:00:00Z".parse().expect("an instant");
    let finding = |severity, what: &str| Finding {
        id: "backup_stale".to_owned(),
        severity,
        component: sample::id("erp-db"),
        subject: String::new(),
        what: what.to_owned(),
        advice: "start the backup job".to_owned(),
        since: at,
    };
    let evidence = Evidence {
        schema_version: 1,
        host: "erp".to_owned(),
        check: "backup".to_owned(),
        kind: "files".to_owned(),
        component: sample::id("erp-db"),
        started: at,
        duration_ms: 5,
        agent_version: "0.1.0".to_owned(),
        stale_after: at,
        outcome: Outcome::Observed { observations: vec![], copies: vec![], drills: vec![] },
        status: Status::Critical,
        findings: vec![
            finding(Status::Warning, "the disk is getting full"),
            finding(Status::Critical, "the newest backup is 9 days old"),
        ],
        states: Vec::new(),
    };
    let mut picture = sample::picture();
    picture.summaries.clear();
    let checks = BTreeMap::from([("backup".to_owned(), evidence)]);
    picture.hosts =
        [("erp".to_owned(), HostPicture { last_heard: at, silent: false, checks })].into();
    let page = text(&tonight::page(&picture, &Ask::default()).into_string());
    assert!(page.contains("Two things on this host need a look, 1 of them soon"), "{page}");
    let place = |what: &str| page.to_lowercase().find(what).expect(what);
    assert!(place("the newest backup is 9 days old") < place("the disk is getting full"));
    assert!(page.contains("Start the backup job") && page.contains("critical"), "{page}");
}

//! The report: what must stand on its two pages, and what never may.
use super::*;
use crate::pages::town;

fn file(picture: &Picture) -> String {
    self_contained(picture, &Ask::default())
}

#[test]
fn the_file_stands_alone() {
    let report = file(&town::picture());
    town::show("report-file", &report);
    town::assert_sound(&report);
    for fetched in ["<link", "src=", "http:", "https:", "url(", "@import"] {
        assert!(!report.contains(fetched), "{fetched}");
    }
    assert_eq!(report.matches("<style>").count(), 1);
    assert!(report.len() < 300_000, "{} bytes", report.len());
}

#[test]
fn the_page_has_the_answer_first() {
    let page = page(&town::picture(), &Ask::default()).into_string();
    town::show("report", &page);
    town::assert_sound(&page);
    assert!(page.contains("<h1>If ransomware hits tonight, "));
    assert!(page.contains("rel=\"stylesheet\"") && !page.contains("<style"));
    assert_eq!(page.matches("class=\"sheet\"").count(), 2);
}

#[test]
fn seven_functions_three_changes_and_three_decisions_at_most() {
    let report = file(&town::picture());
    assert_eq!(report.matches("class=\"lo\"").count(), 7);
    let changes = &report
        [report.find("id=\"r2\"").expect("changes")..report.find("id=\"r3\"").expect("decisions")];
    assert_eq!(changes.matches("<li>").count(), 3);
    let decisions = &report[report.find("class=\"dec\"").expect("a list")..];
    let decisions = &decisions[..decisions.find("</ol>").expect("its end")];
    assert_eq!(decisions.matches("<li>").count(), 3);
    assert!(decisions.contains("Life safety: not weighed in money."));
}

#[test]
fn the_first_report_says_so() {
    let mut picture = town::picture();
    picture.earlier.clear();
    assert!(file(&picture).contains("First report."));
}

#[test]
fn without_a_result_it_says_what_is_missing() {
    let mut picture = town::picture();
    picture.summaries.clear();
    picture.cannot = vec!["no people are on the map".to_owned()];
    let report = file(&picture);
    town::show("report-none", &report);
    town::assert_sound(&report);
    assert!(report.contains("No people are on the map.") && report.contains("never drilled"));
    town::assert_sound(&file(&town::of_map(town::EMPTY)));
}

#[test]
fn long_and_hostile_titles_stay_within_their_bounds() {
    let mut picture = town::picture();
    for summary in &mut picture.summaries {
        for function in &mut summary.functions {
            function.title = format!("<b>\u{202e}{}", "very long ".repeat(60));
        }
        for fix in &mut summary.fixes {
            fix.title = "<script>".repeat(60);
        }
    }
    let report = file(&picture);
    town::show("report-long", &report);
    town::assert_sound(&report);
}

#[test]
fn the_rule_of_copies_is_told_in_a_line() {
    let report = file(&crate::pages::sample::picture());
    assert!(report.contains("None of 3 data sets meets the rule 3-2-1-1-0 whole."), "{report}");
    assert!(report.contains("2 media: not met by 2, cannot tell for 1;"));
}

#[test]
fn the_year_stands_beside_the_curve() {
    use crate::picture::Year;
    let mut picture = town::picture();
    let report = file(&picture);
    town::show("report-year", &report);
    assert!(report.contains("What a year could cost") && report.contains("id=\"year-t\""));
    assert!(!report.contains("Where the hours go"), "the page has no room for both");
    picture.year = Year::Pending;
    let report = file(&picture);
    assert!(
        report.contains("The year is being simulated") && report.contains("Where the hours go")
    );
}

#[test]
fn the_spread_from_assumptions_stands_beside_how_sure_we_are() {
    let mut picture = crate::pages::sample::picture();
    let focus = headline::focus(&picture.summaries[0]).expect("a function").id.clone();
    let of_it = picture.summaries[0].functions.iter_mut().find(|one| one.id == focus);
    of_it.expect("the function").spread_from_defaults = Some(0.4);
    for drill in picture.moves.values_mut().flat_map(|plan| &mut plan.drills) {
        drill.function = focus.clone();
    }
    let report = file(&picture);
    let sure = &report[report.find("id=\"r7\"").expect("the section")..];
    let sure = &sure[..sure.find("</section>").expect("its end")];
    assert!(sure.contains("40\u{a0}% of the spread of"), "{sure}");
    assert!(sure.contains("To narrow it most: restore payroll from the cloud once."), "{sure}");
}

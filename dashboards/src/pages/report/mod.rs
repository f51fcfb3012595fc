//! The board report: two pages of paper, also read on screen and as one file.
mod behind;
mod front;

use evenkeel_config::record::Summary;
use maud::{Markup, html};

use crate::html::layout::{self, Page, Style};
use crate::html::names::Names;
use crate::html::{headline, words};
use crate::picture::{Ask, Picture};

/// Longest name of a function, in characters.
const LONGEST_FUNCTION: usize = 28;
/// Longest name of a fix: it is the decision.
const LONGEST_FIX: usize = 60;

/// The report as a page of the server.
pub fn page(picture: &Picture, ask: &Ask) -> Markup {
    whole(picture, ask, Style::Linked)
}

/// The report as one HTML file that fetches nothing and can be sent on.
pub fn self_contained(picture: &Picture, ask: &Ask) -> String {
    whole(picture, ask, Style::Inside).into_string()
}

fn whole(picture: &Picture, ask: &Ask, style: Style) -> Markup {
    let names = Names::new(&picture.map);
    let summary = picture.summary(ask).map(|summary| bounded(summary, &names));
    let body = html! {
        a.skip href="#main" { "Skip to the answer" }
        (layout::sprite())
        @if style == Style::Linked { (menu()) }
        main #main { article {
            @match &summary {
                Some(summary) => {
                    (front::sheet(picture, summary, &names))
                    (behind::sheet(picture, summary, &names))
                }
                None => (cannot_say(picture, &names)),
            }
        } }
    };
    let title = format!("Continuity report · {}", words::plain(&picture.organisation));
    layout::document(&title, style, "report", body)
}

/// The result with its texts cut, so that no name makes a third page.
fn bounded(summary: &Summary, names: &Names<'_>) -> Summary {
    let cut =
        |text: &mut String, longest: usize| *text = words::shortened(&names.text(text), longest);
    let mut summary = summary.clone();
    for function in &mut summary.functions {
        cut(&mut function.title, LONGEST_FUNCTION);
        for hours in &mut function.hours {
            cut(&mut hours.who, LONGEST_FUNCTION);
            cut(&mut hours.step, LONGEST_FUNCTION);
        }
    }
    summary.fixes.iter_mut().for_each(|fix| cut(&mut fix.title, LONGEST_FIX));
    summary
}

fn menu() -> Markup {
    html! {
        nav.noprint aria-label="Pages" { ul {
            @for page in Page::ALL {
                li { a href=(page.path()) aria-current=[(page == Page::Report).then_some("page")] { (page.word()) } }
            }
        } }
    }
}

/// What stands on top of a sheet: whose report, of which day.
fn head(left: &Markup, right: &str) -> Markup {
    html! { div.rh { span { (left) } span { (right) } } }
}

/// One sheet when nothing can be simulated: what is known, and what is missing.
fn cannot_say(picture: &Picture, names: &Names<'_>) -> Markup {
    html! {
        div.sheet {
            (front::title_line(picture))
            h1 { "We cannot say yet when the work would be back." }
            p.lede { "No night has been simulated. What is missing, and what is known without it:" }
            ul.plain {
                @if picture.cannot.is_empty() { li { "No scenario has been run on this map." } }
                @for why in picture.cannot.iter().take(6) { li { (sentence(&names.text(why))) } }
            }
            (behind::proofs(picture, names))
            (behind::signatures(picture))
            p.note { (layout::method(picture)) }
        }
    }
}

fn sentence(text: &str) -> String {
    format!("{}.", words::sentence_case(&headline::fragment(text)))
}

#[cfg(test)]
mod tests;

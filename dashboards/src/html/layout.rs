//! What every page shares: the head, the first line with the time of the facts,
//! the way to the other pages, and the last line with the method.
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{assets, words};
use crate::picture::Picture;

/// The pages of the product, in the order of the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// If this happens tonight.
    Tonight,
    /// Why does this function take so long.
    Function,
    /// What hangs on what.
    Map,
    /// What do we know.
    Evidence,
    /// What must be decided.
    Report,
}

impl Page {
    /// Every page.
    pub const ALL: [Self; 5] =
        [Self::Tonight, Self::Function, Self::Map, Self::Evidence, Self::Report];

    /// Its address on the server.
    pub fn path(self) -> &'static str {
        match self {
            Self::Tonight => "/",
            Self::Function => "/function",
            Self::Map => "/map",
            Self::Evidence => "/evidence",
            Self::Report => "/report",
        }
    }

    /// Its name in the menu.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tonight => "Tonight",
            Self::Function => "Functions",
            Self::Map => "Map",
            Self::Evidence => "Evidence",
            Self::Report => "Board report",
        }
    }
}

/// How a document comes to its stylesheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Fetched from the server; the only way that the pages' policy allows.
    Linked,
    /// Inside the document, for a file that must stand alone.
    Inside,
}

/// A page of the server, whole: `body` goes into `main`.
#[expect(clippy::needless_pass_by_value, reason = "a page is made of its parts, which end there")]
pub fn page(picture: &Picture, here: Page, title: &str, body: Markup) -> Markup {
    let inner = html! {
        a.skip href="#main" { "Skip to the answer" }
        (sprite())
        header {
            (mast(picture))
            nav aria-label="Pages" { ul {
                @for page in Page::ALL {
                    li { a href=(page.path()) aria-current=[(page == here).then_some("page")] {
                        (page.word())
                    } }
                }
            } }
        }
        main #main { (body) }
        footer.foot { p { (method(picture)) } }
    };
    let title = format!("{title} · {}", words::plain(&picture.organisation));
    document(&title, Style::Linked, "", inner)
}

/// An HTML document around a body; `class` may be empty.
#[expect(clippy::needless_pass_by_value, reason = "a page is made of its parts, which end there")]
pub fn document(title: &str, style: Style, class: &str, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                @match style {
                    Style::Linked => link rel="stylesheet" href=(assets::STYLESHEET_PATH);,
                    Style::Inside => style { (PreEscaped(assets::STYLESHEET)) }
                }
            }
            body class=[(!class.is_empty()).then_some(class)] { (body) }
        }
    }
}

/// The first line of every page: whose, as of when, and who is silent.
pub fn mast(picture: &Picture) -> Markup {
    html! {
        div.mast {
            span.org { (words::plain(&picture.organisation)) }
            span.asof { (as_of(picture)) }
        }
    }
}

/// `as of Tue 17 Nov 2026, 08:00 EST · 2 of 14 hosts silent since Thu 12 Nov`.
pub fn as_of(picture: &Picture) -> String {
    let moment = words::moment(picture.as_of, &picture.timezone);
    format!("as of {moment} · {}", heard(picture))
}

fn heard(picture: &Picture) -> String {
    let all = picture.hosts.len() as u64;
    let silent: Vec<_> = picture.hosts.values().filter(|host| host.silent).collect();
    let since = silent.iter().map(|host| host.last_heard).min();
    match since {
        _ if all == 0 => "no host is watched yet".to_owned(),
        None => format!("{} heard", words::counted(all, "host")),
        Some(since) => {
            let day = words::day(since, &picture.timezone);
            let plural = if all == 1 { "" } else { "s" };
            format!("{} host{plural} silent since {day}", words::part(silent.len() as u64, all))
        }
    }
}

/// The last line of every page: version, seed, number of nights, and what the
/// words mean.
pub fn method(picture: &Picture) -> Markup {
    let zone = words::zone(picture.as_of, &picture.timezone);
    let people = if picture.map.organisation.show_names {
        "People are shown by name, as your map asks."
    } else {
        "People are shown by role."
    };
    html! {
        @if let Some(summary) = picture.summaries.first() {
            "Method: model " (words::plain(&summary.engine_version)) ", seed " (summary.seed) ", "
            (words::count(summary.trials)) " simulated nights. "
            span.nb { "Likely" } " means half of the nights; a bad night means 9" (words::JOIN)
            "nights in" (words::JOIN) "10 are better. "
        } @else {
            "Evenkeel " (picture.version) ". Nothing is simulated yet. "
        }
        "Zone " (zone) ". " (people)
    }
}

/// The shapes that pages use by reference: states and provenance.
pub fn sprite() -> Markup {
    html! {
        svg.sprite aria-hidden="true" focusable="false" {
            symbol id="s-ok" viewBox="0 0 24 24" {
                circle.so cx="12" cy="12" r="10.5" {}
                text.sl.sin x="12" y="15.8" { "ok" }
            }
            symbol id="s-warning" viewBox="0 0 24 24" {
                path.sf d="M12 .8 24 22.6H0z" {}
                text.sl.son x="12" y="20" { "W" }
            }
            symbol id="s-critical" viewBox="0 0 24 24" {
                path.sf d="M1.5 1.5h21v21h-21z" {}
                text.sl.son x="12" y="16" { "C" }
            }
            symbol id="s-unknown" viewBox="0 0 24 24" {
                path.sd d="M12 .8 23.2 12 12 23.2.8 12z" {}
                text.sl.sin x="12" y="16" { "U" }
            }
            symbol id="s-maintenance" viewBox="0 0 24 24" {
                rect.so x="1" y="4" width="22" height="16" rx="8" {}
                text.sl.sin x="12" y="16" { "M" }
            }
            symbol id="p-m" viewBox="0 0 11 11" { path.pm d="M1 1h9v9H1z" {} }
            symbol id="p-t" viewBox="0 0 11 11" { path.pt d="M1 1h9v9H1z" {} }
            symbol id="p-a" viewBox="0 0 11 11" { path.pa d="M1 1h9v9H1z" {} }
        }
    }
}

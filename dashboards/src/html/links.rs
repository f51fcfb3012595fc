//! Ways between the pages, and the forms that ask for a scenario or a function.
use evenkeel_config::id::Id;
use evenkeel_config::record::Summary;
use maud::{Markup, html};

use super::layout::Page;
use super::words;
use crate::picture::Picture;

/// A function's own page under a scenario.
pub fn function(function: &Id, scenario: &str) -> String {
    format!("{}?function={function}&scenario={}", Page::Function.path(), escaped(scenario))
}

/// The part of the map that a function hangs on.
pub fn map(function: &Id) -> String {
    format!("{}?function={function}", Page::Map.path())
}

/// The choice of a scenario, the shown one selected; its label has `for="sc"`.
pub fn scenario_select(picture: &Picture, shown: &Summary) -> Markup {
    html! {
        select #sc name="scenario" {
            @for summary in &picture.summaries {
                @let here = summary.scenario.id == shown.scenario.id;
                option value=(summary.scenario.id) selected[here] {
                    (words::shortened(&summary.scenario.title, 60))
                }
            }
        }
    }
}

/// The choice of a function, the shown one selected; its label has `for="fn"`.
pub fn function_select(summary: &Summary, shown: &Id) -> Markup {
    html! {
        select #fn name="function" {
            @for function in &summary.functions {
                option value=(function.id) selected[function.id == *shown] {
                    (words::shortened(&function.title, 60))
                }
            }
        }
    }
}

/// A scenario's id in an address; ids are plain, anything else is percent-encoded.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_hold_any_scenario() {
        let payroll: Id = "payroll".parse().expect("an id");
        assert_eq!(
            function(&payroll, "site_loss"),
            "/function?function=payroll&scenario=site_loss"
        );
        assert_eq!(function(&payroll, "a&b"), "/function?function=payroll&scenario=a%26b");
    }
}

//! One square for each figure behind an answer, in the order measured, told, assumed.
use maud::{Markup, html};

use crate::html::words;

const COLUMNS: u64 = 22;
const MOST: u64 = 120;

/// Squares for figures that are measured, told to us and assumed. Above 120
/// figures one square stands for several, and the page says how many.
pub fn squares(measured: u64, told: u64, assumed: u64) -> Markup {
    let all = measured + told + assumed;
    let each = all.div_ceil(MOST).max(1);
    let groups = [("#p-m", measured), ("#p-t", told), ("#p-a", assumed)];
    let marks: Vec<&str> = groups
        .iter()
        .flat_map(|(mark, figures)| (0..figures.div_ceil(each)).map(move |_| *mark))
        .collect();
    let rows = (marks.len() as u64).div_ceil(COLUMNS).max(1);
    let view = format!("0 0 {} {}", COLUMNS * 20 - 5, rows * 21 - 4);
    let label = format!(
        "Of {}, {measured} are measured, {told} told to us and {assumed} assumed",
        words::counted(all, "figure")
    );
    html! {
        svg.units viewBox=(view) role="img" aria-label=(label) {
            @for (at, mark) in (0_u64..).zip(&marks) {
                use href=(mark) x=(at % COLUMNS * 20) y=(at / COLUMNS * 21)
                    width="15" height="15" {}
            }
        }
        @if each > 1 { p.note { "One square stands for " (each) " figures." } }
    }
}

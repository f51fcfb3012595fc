//! Better or worse than before: two results of the same scenario held beside each other.
use evenkeel_config::record::{Elapsed, FunctionSummary, Summary};

use super::figures;
use super::headline;
use super::names::Names;
use super::verdict::Verdict;
use super::words;

/// A function whose bad night has changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change<'a> {
    /// The function as it is now.
    pub function: &'a FunctionSummary,
    /// Its bad night then and now.
    pub bad_night: [Elapsed; 2],
    /// Whether it got better.
    pub better: bool,
}

impl Change<'_> {
    /// `9 d to 5 d`.
    pub fn words(&self) -> String {
        let [then, now] = self.bad_night.map(words::back_after);
        format!("{then} to {now}")
    }
}

/// Functions whose bad night reads differently than before, life safety first,
/// in the order of the result. What cannot be judged now is left out: a change
/// from old data would be no news.
pub fn changes<'a>(now: &'a Summary, earlier: &Summary) -> Vec<Change<'a>> {
    let before = |function: &FunctionSummary| {
        let then = earlier.functions.iter().find(|one| one.id == function.id)?;
        figures::at(&then.usable, 0.9)
    };
    let judged = now.functions.iter().filter(|one| {
        Verdict::of(one) != Verdict::CannotSay && one.cannot.is_none() && one.stale.is_empty()
    });
    judged
        .filter_map(|function| {
            let bad_night = [before(function)?, figures::at(&function.usable, 0.9)?];
            let [then, now] = bad_night.map(words::back_after);
            let better = bad_night[1] < bad_night[0];
            (then != now).then_some(Change { function, bad_night, better })
        })
        .collect()
}

/// `Since Mon 2 Mar: better for Payroll (9 d to 5 d); worse for Permits (2 d to 3.5 d).`
pub fn sentence(now: &Summary, earlier: &Summary, names: &Names<'_>) -> Option<String> {
    let changes = changes(now, earlier);
    let side = |better: bool| {
        let told: Vec<String> = changes
            .iter()
            .filter(|change| change.better == better)
            .map(|change| {
                format!("{} ({})", headline::title(change.function, names), change.words())
            })
            .collect();
        let word = if better { "better" } else { "worse" };
        (!told.is_empty()).then(|| format!("{word} for {}", words::list(&told, 4)))
    };
    let parts: Vec<String> = [side(false), side(true)].into_iter().flatten().collect();
    let since = words::day(earlier.as_of, &now.timezone);
    (!parts.is_empty()).then(|| format!("Since {since}: {}.", parts.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::sample;

    #[test]
    fn better_and_worse_are_told_with_figures() {
        let picture = sample::picture();
        let names = Names::new(&picture.map);
        let now = &picture.summaries[0];
        let mut earlier = now.clone();
        earlier.as_of = "2026-03-02T12:00:00Z".parse().expect("an instant");
        assert_eq!(sentence(now, &earlier, &names), None);
        for function in &mut earlier.functions {
            match function.id.as_str() {
                "payroll" | "docket" => function.usable[2].value = Elapsed::Never,
                "permits" => function.usable[2].value = Elapsed::Ms(48 * 3_600_000),
                _ => {}
            }
        }
        let told = sentence(now, &earlier, &names).expect("changes");
        assert_eq!(
            told.replace(words::JOIN, " "),
            "Since Mon 2 Mar: worse for Permits (2 d to 11 d); better for Payroll (never to 9 d)."
        );
    }
}

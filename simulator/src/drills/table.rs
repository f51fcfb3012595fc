//! The next drills on a terminal, in sentences.
use std::fmt::Write as _;

use evenkeel_config::provenance::Provenance;
use evenkeel_config::record::{DrillPlan, DrillValue, Elapsed};

use crate::table::time;
use crate::words::{duration, number, plain};

/// The answer in words; safe for a terminal.
pub(crate) fn render(plan: &DrillPlan) -> String {
    let mut out = String::new();
    let about = &plan.about;
    let _ = writeln!(out, "{}: what to drill or measure next", plain(&about.organisation));
    for scenario in &about.scenarios {
        let _ = writeln!(out, "{}", plain(&scenario.question));
    }
    let _ = writeln!(
        out,
        "{} simulated nights, facts of {}, seed {}; a promise is what is kept in 9 nights of 10\n",
        about.trials, about.as_of, about.seed
    );
    if plan.drills.is_empty() {
        let _ = writeln!(
            out,
            "None of {} drills and measurements would move a promise.",
            plan.considered
        );
    }
    for (rank, drill) in (1..).zip(&plan.drills) {
        one(rank, drill, about.horizon.as_ms(), &mut out);
    }
    if !plan.drills.is_empty() {
        let _ = writeln!(
            out,
            "{} drills and measurements were looked at. What each costs is not weighed in. A measured \
             figure is taken as known from then on, at its 10, 50 or 90 % value, so \"at most\".",
            plan.considered
        );
    }
    for note in &plan.notes {
        let _ = writeln!(out, "Note: {}", plain(note));
    }
    out
}

fn one(rank: usize, drill: &DrillValue, horizon: i64, out: &mut String) {
    let known = match drill.provenance {
        Provenance::Measured => "measured",
        Provenance::Declared => "told to us",
        Provenance::Default => "our assumption",
    };
    let _ = writeln!(out, "{rank}. {}", sentence(&plain(&drill.what)));
    let _ = writeln!(out, "   Today: {} [{known}].", plain(&drill.today));
    let mut words = Vec::new();
    let today = time(drill.promise);
    for (place, outcome) in drill.outcomes.iter().enumerate() {
        let nights = number(outcome.chance * 100.0);
        let chance = if drill.exact { format!(" ({nights} of 100)") } else { String::new() };
        let then = match (place, time(outcome.promise)) {
            (_, then) if then == today => format!("stays at {then}"),
            (0, then) => format!("moves from {today} to {then}"),
            (_, then) => format!("moves to {then}"),
        };
        let whose = match place {
            0 => format!("the promise for {}", plain(&drill.title)),
            _ => "it".to_owned(),
        };
        words.push(format!("{}{chance}, {whose} {then}", plain(&outcome.result)));
    }
    let _ = writeln!(out, "   {}.", sentence(&words.join("; ")));
    if let (Some(now), Some(change)) = (drill.rto, drill.expected_rto_change)
        && change >= 0.01
    {
        let then: Vec<String> = drill.outcomes.iter().filter_map(|o| o.rto.map(nights)).collect();
        let _ = writeln!(
            out,
            "   The RTO is kept in {} of 100 nights today; after these outcomes in {}.",
            nights(now),
            then.join(" or ")
        );
    }
    let bound = if drill.exact { "" } else { "at most " };
    let never = drill.outcomes.iter().any(|outcome| outcome.promise == Elapsed::Never);
    let counted = if never || drill.promise == Elapsed::Never {
        format!(" (never counted as {})", duration(horizon))
    } else {
        String::new()
    };
    let mean = if drill.expected_change_ms > 0 {
        format!(
            "On average the promise moves by {bound}{}{counted}. ",
            duration(drill.expected_change_ms)
        )
    } else {
        String::new()
    };
    let gone = if drill.band_gone >= 0.01 {
        format!("{} of 100 of the spread of nights would vanish. ", number(drill.band_gone * 100.0))
    } else {
        String::new()
    };
    let decides = if drill.decides { "It decides whether the RTO can be promised." } else { "" };
    let line = format!("{mean}{}{decides}", sentence(&gone));
    if !line.trim().is_empty() {
        let _ = writeln!(out, "   {}", line.trim());
    }
    out.push('\n');
}

/// Nights of 100, whole.
fn nights(chance: f64) -> String {
    number(libm::round(chance * 100.0))
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}", letters.as_str())
}

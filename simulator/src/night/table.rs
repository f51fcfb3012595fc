//! One night on a terminal: its chain, the timeline with the chain marked, the other functions.
use std::fmt::Write as _;

use evenkeel_config::record::{Elapsed, Explanation, FunctionNight, Segment, TimelineEvent};

use crate::table::{bare, because, time};
use crate::words::{duration, number, plain};

/// The night in words; safe for a terminal. `all`: with what does not bear on the function.
pub(crate) fn render(night: &Explanation, all: bool) -> String {
    let mut out = String::new();
    let function = &night.function;
    let title = plain(&function.title);
    let with = &night.scenario.with;
    let changed =
        if with.is_empty() { String::new() } else { format!(", with {}", with.join(" and ")) };
    let _ = writeln!(
        out,
        "{}: one night of {}{changed}, told for {title}",
        plain(&night.organisation),
        plain(&night.scenario.title),
    );
    let which = match night.chosen.as_str() {
        "likely" => "a likely night: half of all nights are shorter".to_owned(),
        "bad" => "a bad night: 9 of 10 nights are shorter".to_owned(),
        _ => format!("{} of 100 nights are shorter", number(night.sooner * 100.0)),
    };
    let _ =
        writeln!(out, "Night {} of {} (seed {}), {which}", night.night, night.trials, night.seed);
    let _ = writeln!(out, "Struck on {} ({})", night.strike_local, plain(&night.timezone));
    if let Some(since) = night.intruder_since_ms {
        let _ = writeln!(out, "An intruder had been inside for {}", duration(-since));
    }
    let _ = writeln!(out, "\n{}", verdict(function));
    if let Some(why) = &night.never {
        let _ = writeln!(out, "It never comes back: {}.", plain(why));
    }
    if !night.chain.is_empty() {
        let _ = writeln!(out, "\nWhere the hours of this night go:");
        let mut table = bare(&[0, 1]);
        for share in night.hours.iter().take(12) {
            table.add_row([
                duration(share.total_ms.parse().unwrap_or(0)),
                format!("{} of 100", number(share.share * 100.0)),
                because(share.cause, &share.who),
                plain(&share.step),
            ]);
        }
        let _ = writeln!(out, "{table}");
    }
    let _ = writeln!(out, "\nTimeline (>> is what {title} waits for; the parts add up exactly):");
    timeline(night, all, &mut out);
    if !night.others.is_empty() {
        let _ = writeln!(out, "\nThe same night for the others:");
        for other in &night.others {
            let _ = writeln!(out, "  {}", verdict(other));
        }
    }
    for note in &night.notes {
        let _ = writeln!(out, "Note: {}", plain(note));
    }
    out
}

fn verdict(function: &FunctionNight) -> String {
    let title = plain(&function.title);
    if let Some(cannot) = &function.cannot {
        return format!("{title}: {}", plain(cannot));
    }
    if function.capacity.is_empty() {
        return format!("{title}: not hit");
    }
    let promised = function.objectives.rto.map_or("no RTO is set".to_owned(), |rto| {
        let kept = function.usable <= Elapsed::Ms(rto.as_ms());
        let kept = if kept { "kept" } else { "missed" };
        format!("RTO of {} {kept}", duration(rto.as_ms()))
    });
    let lost = match function.data_loss {
        Elapsed::Ms(0) => "no work lost".to_owned(),
        Elapsed::Ms(ms) => format!("{} of work lost", duration(ms)),
        Elapsed::Never => "all of the data lost".to_owned(),
    };
    format!(
        "{title}: usable {}, fully recovered {}, {lost}; {promised}",
        after(function.usable),
        after(function.recovered)
    )
}

fn after(value: Elapsed) -> String {
    match value {
        Elapsed::Ms(1..) => format!("after {}", time(value)),
        other => time(other),
    }
}

/// Events and parts of the chain in one order; a part comes after what
/// happened at its instant.
fn timeline(night: &Explanation, all: bool, out: &mut String) {
    let events = night.timeline.iter().filter(|event| all || event.concerns);
    let mut lines: Vec<(i64, u8, String)> = events.map(line).collect();
    lines.extend(night.chain.iter().map(part));
    lines.sort_by_key(|(at, order, _)| (*at, *order));
    let mut last = String::new();
    for (at, _, text) in lines {
        let local = local(night, at);
        let shown = if local == last { "" } else { local.as_str() };
        let _ = writeln!(out, "{:>10}  {shown:<20}  {text}", clock(at));
        last = local;
    }
}

fn local(night: &Explanation, at: i64) -> String {
    super::Local::new(&night.timezone, night.strike.as_millisecond()).at(at)
}

fn line(event: &TimelineEvent) -> (i64, u8, String) {
    (event.at_ms, 0, format!("   {}", plain(&event.text)))
}

fn part(part: &Segment) -> (i64, u8, String) {
    let step = if part.step.is_empty() || part.step == part.who {
        String::new()
    } else {
        format!(", “{}”", plain(&part.step))
    };
    let what = because(part.cause, &part.who);
    let lasts = clock(part.to_ms - part.from_ms);
    (part.from_ms, 1, format!(">> {}: {what}{step}", lasts.trim_start_matches('+')))
}

/// Elapsed time to the minute: `+2d 03:14`.
pub(crate) fn clock(ms: i64) -> String {
    let minutes = ms / 60_000;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    if days > 0 {
        format!("+{days}d {hours:02}:{minutes:02}")
    } else {
        format!("+{hours:02}:{minutes:02}")
    }
}

//! Working hours as windows on the time line: zone, holidays and clock changes resolved once.
use evenkeel_config::calendar::Hours;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// Milliseconds since 1970 of a local date and time; in a gap or fold the
/// earlier offset counts.
pub fn instant(zone: &TimeZone, local: DateTime) -> i64 {
    zone.to_ambiguous_zoned(local)
        .compatible()
        .map_or_else(|_| i64::MAX / 4, |zoned| zoned.timestamp().as_millisecond())
}

/// The local date of an instant.
pub fn local_date(zone: &TimeZone, at: i64) -> Date {
    Timestamp::from_millisecond(at)
        .map_or(Date::constant(1970, 1, 1), |at| zone.to_datetime(at).date())
}

/// Local midnight of a date, moved by some milliseconds of the clock.
pub fn local_instant(zone: &TimeZone, date: Date, clock_ms: i32) -> i64 {
    if clock_ms >= evenkeel_config::calendar::DAY_MS {
        return local_instant(zone, date.saturating_add(1.day()), 0);
    }
    let time = jiff::civil::Time::midnight()
        .saturating_add(jiff::Span::new().milliseconds(i64::from(clock_ms)));
    instant(zone, date.to_datetime(time))
}

/// Open windows in rising order, in milliseconds since 1970, half open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// `None`: always open.
    windows: Option<Vec<Window>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    from: i64,
    to: i64,
    /// Open milliseconds before this window.
    before: i64,
}

/// What a calendar is resolved in: the zone, and the first and last day of interest.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The organisation's zone.
    pub zone: TimeZone,
    /// First day.
    pub first: Date,
    /// Number of days.
    pub days: i32,
    /// Days on which nobody works, unless they work round the clock.
    pub holidays: Vec<Date>,
}

impl Calendar {
    /// Round the clock.
    pub fn always() -> Self {
        Self { windows: None }
    }

    /// Whether it never closes.
    pub fn is_always(&self) -> bool {
        self.windows.is_none()
    }

    /// Weekly hours within a frame, without the days in `away`. Several hours
    /// are laid together (normal hours and overtime).
    pub fn new(frame: &Frame, hours: &[&Hours], away: &dyn Fn(Date) -> bool) -> Self {
        let round_the_clock = hours.iter().any(|hours| hours.is_always());
        let mut spans = Vec::new();
        let mut any_away = false;
        for day in 0..frame.days {
            let date = frame.first.saturating_add(day.days());
            if away(date) {
                any_away = true;
                continue;
            }
            if !round_the_clock && frame.holidays.contains(&date) {
                continue;
            }
            let weekday = date.weekday().to_monday_zero_offset() as usize;
            for (from, to) in hours.iter().flat_map(|hours| &hours.days[weekday]) {
                let from = local_instant(&frame.zone, date, *from);
                let to = local_instant(&frame.zone, date, *to);
                spans.push((from, to));
            }
        }
        if round_the_clock && !any_away {
            return Self::always();
        }
        Self { windows: Some(merge(spans)) }
    }

    /// Whether it is open at an instant.
    pub fn is_open(&self, at: i64) -> bool {
        self.next_open(at) == Some(at)
    }

    /// The first open instant at or after `at`.
    pub fn next_open(&self, at: i64) -> Option<i64> {
        let Some(windows) = &self.windows else { return Some(at) };
        let window = windows.get(windows.partition_point(|window| window.to <= at))?;
        Some(window.from.max(at))
    }

    /// The end of the window that holds `at`, or `None` when it never ends.
    pub fn open_until(&self, at: i64) -> Option<i64> {
        let windows = self.windows.as_ref()?;
        windows.get(windows.partition_point(|window| window.to <= at)).map(|window| window.to)
    }

    /// Open milliseconds in `[from, to)`.
    pub fn open_between(&self, from: i64, to: i64) -> i64 {
        if self.windows.is_none() {
            return (to - from).max(0);
        }
        (self.open_before(to) - self.open_before(from)).max(0)
    }

    /// The same, for many spans one after the other: `place` remembers where
    /// the last one was, which spares the search for the next.
    pub fn open_between_near(&self, from: i64, to: i64, place: &mut usize) -> i64 {
        let Some(windows) = &self.windows else { return (to - from).max(0) };
        let mut before = |at: i64| {
            *place = near(windows, at, *place);
            open_before(windows, at, *place)
        };
        let first = before(from);
        (before(to) - first).max(0)
    }

    /// The window that holds `at`, or else the next; `None` beyond the frame.
    pub fn window(&self, at: i64) -> Option<(i64, i64)> {
        let Some(windows) = &self.windows else { return Some((i64::MIN, i64::MAX)) };
        let window = windows.get(windows.partition_point(|window| window.to <= at))?;
        Some((window.from, window.to))
    }

    fn open_before(&self, at: i64) -> i64 {
        let Some(windows) = &self.windows else { return at };
        open_before(windows, at, windows.partition_point(|window| window.to <= at))
    }

    /// When `work` open milliseconds have passed from `at`; work done at
    /// exactly the end of a window ends then. `None` beyond the frame.
    pub fn add_work(&self, at: i64, work: i64) -> Option<i64> {
        let Some(windows) = &self.windows else { return at.checked_add(work) };
        if work == 0 {
            return self.next_open(at);
        }
        let goal = self.open_before(at) + work;
        let index =
            windows.partition_point(|window| window.before + (window.to - window.from) < goal);
        windows.get(index).map(|window| window.from + goal - window.before)
    }

    /// Open in both.
    pub fn intersect(&self, other: &Self) -> Self {
        let (Some(mine), Some(theirs)) = (&self.windows, &other.windows) else {
            return if self.windows.is_some() { self.clone() } else { other.clone() };
        };
        let (mut spans, mut i, mut j) = (Vec::new(), 0, 0);
        while let (Some(a), Some(b)) = (mine.get(i), theirs.get(j)) {
            let (from, to) = (a.from.max(b.from), a.to.min(b.to));
            if from < to {
                spans.push((from, to));
            }
            if a.to <= b.to {
                i += 1;
            } else {
                j += 1;
            }
        }
        Self { windows: Some(merge(spans)) }
    }
}

/// Open milliseconds before `at`, whose window or the next has this index.
fn open_before(windows: &[Window], at: i64, index: usize) -> i64 {
    match windows.get(index) {
        Some(window) => window.before + (at - window.from).max(0),
        None => windows.last().map_or(0, |last| last.before + last.to - last.from),
    }
}

/// The index of the first window that ends after `at`, looked for from `start` on.
fn near(windows: &[Window], at: i64, start: usize) -> usize {
    const STEPS: usize = 8;
    let later = start.checked_sub(1).and_then(|last| windows.get(last)).is_some_and(|w| w.to > at);
    let start = if later { 0 } else { start };
    let close = windows.iter().skip(start).take(STEPS).position(|window| window.to > at);
    match close {
        Some(steps) => start + steps,
        None => windows.partition_point(|window| window.to <= at),
    }
}

fn merge(mut spans: Vec<(i64, i64)>) -> Vec<Window> {
    spans.sort_unstable();
    let mut windows: Vec<Window> = Vec::new();
    for (from, to) in spans.into_iter().filter(|(from, to)| from < to) {
        match windows.last_mut() {
            Some(last) if from <= last.to => last.to = last.to.max(to),
            last => {
                let before = last.map_or(0, |last| last.before + last.to - last.from);
                windows.push(Window { from, to, before });
            }
        }
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(zone: &str, first: &str) -> Frame {
        Frame {
            zone: TimeZone::get(zone).expect("a zone"),
            first: first.parse().expect("a date"),
            days: 30,
            holidays: vec!["2026-11-26".parse().expect("a date")],
        }
    }

    fn at(frame: &Frame, local: &str) -> i64 {
        instant(&frame.zone, local.parse().expect("a local time"))
    }

    fn office(frame: &Frame) -> Calendar {
        let hours = "Mon-Fri 08:30-17:00".parse().expect("hours");
        Calendar::new(frame, &[&hours], &|_| false)
    }

    #[test]
    fn work_pauses_outside_the_hours() {
        let frame = frame("America/New_York", "2026-11-02");
        let office = office(&frame);
        let six_hours = 6 * 3_600_000;
        let end = office.add_work(at(&frame, "2026-11-20T16:00"), six_hours);
        assert_eq!(end, Some(at(&frame, "2026-11-23T13:30")));
        // work done at exactly the close of a day ends then, not the next morning
        let end = office.add_work(at(&frame, "2026-11-20T11:00"), six_hours);
        assert_eq!(end, Some(at(&frame, "2026-11-20T17:00")));
        // a holiday is skipped
        let end = office.add_work(at(&frame, "2026-11-25T16:00"), 2 * 3_600_000);
        assert_eq!(end, Some(at(&frame, "2026-11-27T09:30")));
        assert_eq!(
            office.next_open(at(&frame, "2026-11-21T00:00")),
            Some(at(&frame, "2026-11-23T08:30"))
        );
        assert!(!office.is_open(at(&frame, "2026-11-20T17:00")));
    }

    #[test]
    fn clock_changes_lengthen_and_shorten_days() {
        let frame = frame("America/New_York", "2026-10-30");
        let night = "Sat-Sun 00:00-24:00".parse().expect("hours");
        let calendar = Calendar::new(&frame, &[&night], &|_| false);
        let (from, to) = (at(&frame, "2026-11-01T00:00"), at(&frame, "2026-11-02T00:00"));
        assert_eq!(calendar.open_between(from, to), 25 * 3_600_000);
    }

    #[test]
    fn two_calendars_meet_where_both_are_open() {
        let frame = frame("UTC", "2026-11-02");
        let early = "Mon-Fri 06:00-12:00".parse().expect("hours");
        let both = office(&frame).intersect(&Calendar::new(&frame, &[&early], &|_| false));
        let monday = at(&frame, "2026-11-02T00:00");
        assert_eq!(both.open_between(monday, monday + 86_400_000), 3_600_000 * 7 / 2);
        assert_eq!(Calendar::always().intersect(&both), both);
    }
}

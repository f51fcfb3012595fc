//! When the strike falls, and the days around it.
use evenkeel_config::scenario::When;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::calendar::{Frame, local_date, local_instant};
use crate::model::Start;

/// When it falls.
pub(super) struct Plan {
    pub(super) start: Start,
    /// First day that calendars must cover.
    pub(super) first_day: Date,
    /// The facts of the moment hold: copies that exist, declared leave.
    pub(super) near_as_of: bool,
}

const HOUR: i32 = 3_600_000;

/// `expiry`: the day on which the first of the struck components lapses.
pub(super) fn plan(
    when: When,
    as_of: Timestamp,
    zone: &TimeZone,
    expiry: impl Fn(Date) -> Option<Date>,
) -> Plan {
    let now = as_of.as_millisecond();
    let today = local_date(zone, now);
    let clock = |date: Date, hour: i32| local_instant(zone, date, hour * HOUR);
    let expiry = if when == When::Expiry { expiry(today) } else { None };
    let (start, near_as_of) = match when {
        When::Now => (Start::At(now), true),
        When::Tonight => {
            let evening = clock(today, 18);
            let morning = clock(today.saturating_add(1.day()), 6);
            // Asked in the small hours, tonight is what is left of this night.
            if now < clock(today, 6) {
                (Start::Between(now, clock(today, 6)), true)
            } else {
                (Start::Between(evening.max(now), morning), true)
            }
        }
        When::Expiry if expiry.is_some() => {
            let at = expiry.map_or(now, |date| clock(date, 0));
            (Start::At(at), at - now < 48 * i64::from(HOUR))
        }
        When::Week | When::Expiry => {
            let monday =
                today.saturating_sub(i64::from(today.weekday().to_monday_zero_offset()).days());
            let next = monday.saturating_add(7.days());
            (Start::Between(clock(monday, 0), clock(next, 0)), false)
        }
        When::FridayNight => {
            let friday = (0..8)
                .map(|days| today.saturating_add(days.days()))
                .find(|day| day.weekday() == Weekday::Friday && clock(*day, 22) >= now)
                .unwrap_or(today);
            (Start::At(clock(friday, 22)), false)
        }
        When::MonthEnd => (Start::At(clock(today.last_of_month(), 22)), false),
        When::At(local) => {
            let at = crate::calendar::instant(zone, local);
            (Start::At(at), (at - now).abs() < 48 * i64::from(HOUR))
        }
    };
    let (first, _) = super::start_range(&start);
    let first_day = local_date(zone, first).saturating_sub(2.days());
    Plan { start, first_day, near_as_of }
}

/// The end of each working day (Monday to Friday, no holidays) of the frame.
pub(super) fn workday_ends(frame: &Frame) -> Vec<i64> {
    days(frame)
        .filter(|day| {
            !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
                && !frame.holidays.contains(day)
        })
        .map(|day| local_instant(&frame.zone, day.saturating_add(1.day()), 0))
        .collect()
}

/// Each local midnight of the frame.
pub(super) fn midnights(frame: &Frame) -> Vec<i64> {
    days(frame).map(|day| local_instant(&frame.zone, day, 0)).collect()
}

fn days(frame: &Frame) -> impl Iterator<Item = Date> + '_ {
    (0..frame.days).map(|day| frame.first.saturating_add(day.days()))
}

//! Objectives, losses and stopgaps of functions.
use super::{Judge, path};
use crate::map::{Details, Function, LossStep};
use crate::quantity::Span;

pub(super) fn check(judge: &mut Judge<'_>) {
    let map = judge.map;
    for component in map.components.values() {
        if let Details::Function(function) = &component.details {
            let key = path(component);
            objectives(judge, function, &key);
            losses(judge, &function.loss, &key);
            money(judge, function, &key);
            workaround(judge, function, &key);
            work(judge, function, &key);
        }
    }
}

fn objectives(judge: &mut Judge<'_>, function: &Function, key: &str) {
    let objectives = function.objectives;
    for (name, value) in [("rto", objectives.rto), ("mtd", objectives.mtd)] {
        if value == Some(Span::ZERO) {
            let what = format!("`{name}` is zero, which no recovery can keep");
            let hint = format!("write how long it may be down, as in `{name} = \"15min\"`");
            judge.error(&format!("{key}.objectives.{name}"), what, hint);
        }
    }
    if let (Some(rto), Some(mtd)) = (objectives.rto, objectives.mtd)
        && rto > mtd
    {
        let what = format!("the RTO of {rto} is longer than the MTD of {mtd}");
        let hint = "the RTO is the aim, the MTD the point of no return: the RTO should be shorter";
        judge.warning(&format!("{key}.objectives.rto"), what, hint);
    }
}

fn losses(judge: &mut Judge<'_>, steps: &[LossStep], key: &str) {
    for (index, pair) in steps.windows(2).enumerate() {
        let [before, step] = pair else { continue };
        if step.after <= before.after {
            let what =
                format!("`after` is {}, not later than the {} before", step.after, before.after);
            let hint = "list the steps in rising order, as in `[{ after = \"0h\", per_hour = 90 }, { \
                        after = \"3d\", per_hour = 2500 }]`";
            judge.error(&format!("{key}.loss[{}].after", index + 1), what, hint);
        }
    }
}

fn money(judge: &mut Judge<'_>, function: &Function, key: &str) {
    if function.deadline_loss.is_some() && function.deadline.is_none() {
        let hint = "say when it falls due, as in `deadline = \"every second Thursday 12:00\"`";
        judge.error(&format!("{key}.deadline_loss"), "there is no `deadline` for this sum", hint);
    }
}

fn workaround(judge: &mut Judge<'_>, function: &Function, key: &str) {
    let Some(workaround) = &function.workaround else { return };
    if function.minimum.is_none() {
        let what = "a stopgap is declared, but not whether it is good enough to count as usable";
        let hint = format!(
            "add `minimum`, the share of normal work from which it counts: at most {} if the stopgap \
             is good enough, `minimum = 1` if not",
            workaround.capacity
        );
        judge.error(&format!("{key}.workaround"), what, hint);
    }
    if workaround.lasts == Span::ZERO {
        let hint = "write how long people can keep it up, as in `lasts = \"3d\"`";
        judge.error(&format!("{key}.workaround.lasts"), "the stopgap lasts no time", hint);
    }
}

fn work(judge: &mut Judge<'_>, function: &Function, key: &str) {
    if let Some(minimum) = function.minimum
        && minimum.get() == 0.0
    {
        let hint = "write the share of normal work that is good enough, as in `minimum = 0.5`";
        judge.error(&format!("{key}.minimum"), "with a minimum of 0 it is never down", hint);
    }
    if let Some(speed) = function.catch_up
        && speed.get() == 0.0
    {
        let hint = "write the extra share of work a day, as in `catch_up = 0.25`";
        judge.error(&format!("{key}.catch_up"), "the backlog would never be cleared", hint);
    }
    if function.demand.as_ref().is_some_and(|hours| hours.weekly_ms() == 0) {
        let hint = "as in `demand = \"Mon-Fri 08:30-17:00\"`";
        judge.error(&format!("{key}.demand"), "the hours hold no open minute", hint);
    }
}

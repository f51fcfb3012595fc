//! People, teams and vendors: hours, leave and head counts.
use super::{Judge, path};
use crate::calendar::Hours;
use crate::map::{Details, Person, Team};

pub(super) fn check(judge: &mut Judge<'_>) {
    let map = judge.map;
    for component in map.components.values() {
        let key = path(component);
        match &component.details {
            Details::Person(about) => person(judge, about, &key),
            Details::Team(about) => team(judge, about, &key),
            Details::Vendor(vendor) => {
                hours(judge, vendor.hours.as_ref(), &key, "hours");
                if vendor.engineers == Some(0) {
                    let hint = "write how many work on your tickets at once, as in `engineers = 2`";
                    judge.error(&format!("{key}.engineers"), "nobody works there", hint);
                }
            }
            Details::Fleet(fleet) if fleet.count == 0 => {
                let hint = "write how many there are, as in `count = 95`";
                judge.error(&format!("{key}.count"), "the fleet has no members", hint);
            }
            _ => {}
        }
    }
}

fn person(judge: &mut Judge<'_>, person: &Person, key: &str) {
    hours(judge, person.hours.as_ref(), key, "hours");
    hours(judge, person.overtime.as_ref(), key, "overtime");
    for (index, leave) in person.leave.iter().enumerate() {
        if leave.from > leave.to {
            let what =
                format!("the leave ends on {}, before it begins on {}", leave.to, leave.from);
            let hint = "`from` is the first day away, `to` the last";
            judge.error(&format!("{key}.leave[{index}]"), what, hint);
        }
    }
    if person.away_for.is_some() && person.away.is_none() {
        let hint = "add the chance to be away, as in `away = 0.135`";
        judge.warning(&format!("{key}.away_for"), "it has no effect without `away`", hint);
    }
}

fn team(judge: &mut Judge<'_>, team: &Team, key: &str) {
    hours(judge, team.hours.as_ref(), key, "hours");
    if team.count == 0 {
        let hint = "write how many people it has, as in `count = 5`";
        judge.error(&format!("{key}.count"), "the team has no people", hint);
    }
    if let Some(least) = team.at_least
        && (least == 0 || least > team.count)
        && team.count > 0
    {
        let what = format!("{least} of {} people cannot be present", team.count);
        let hint = format!("`at_least` lies between 1 and {}", team.count);
        judge.error(&format!("{key}.at_least"), what, hint);
    }
}

fn hours(judge: &mut Judge<'_>, hours: Option<&Hours>, key: &str, name: &str) {
    if hours.is_some_and(|hours| hours.weekly_ms() == 0) {
        let hint = format!("as in `{name} = \"Mon-Fri 08:30-17:00\"`");
        judge.error(&format!("{key}.{name}"), "the hours hold no open minute", hint);
    }
}

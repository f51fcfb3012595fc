//! The order in which work is given to people: a list of one's own names what is there, once.
use std::collections::BTreeSet;

use super::super::nearest::did_you_mean;
use super::Judge;
use crate::map::Dispatch;

pub(super) fn check(judge: &mut Judge<'_>) {
    let map = judge.map;
    let order = &map.organisation.dispatch_order;
    let listed = map.organisation.dispatch == Dispatch::Listed;
    if listed && order.is_empty() {
        let hint = "name whose work comes first, as in `dispatch_order = [\"ad\", \"erp\"]`";
        judge.error("organisation.dispatch", "`listed` needs a list", hint);
    }
    if !listed && !order.is_empty() {
        let hint = "add `dispatch = \"listed\"`, or leave the list out";
        judge.warning("organisation.dispatch_order", "the list has no effect", hint);
    }
    let mut seen = BTreeSet::new();
    for (index, id) in order.iter().enumerate() {
        let key = format!("organisation.dispatch_order[{index}]");
        if !map.components.contains_key(id) {
            let known = map.components.keys().map(|id| id.as_str());
            let hint = match did_you_mean(id.as_str(), known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write the id of a component with recovery steps".to_owned(),
            };
            judge.error(&key, format!("there is no component `{id}`"), hint);
        } else if !seen.insert(id) {
            judge.error(&key, format!("`{id}` stands here twice"), "leave one of the two out");
        }
    }
}

//! Spare parts: what is in stock, what an order takes, and what was ordered before the strike.
use evenkeel_config::id::Id;
use evenkeel_config::law::Law;
use evenkeel_config::map::{Component, Details, Spare};
use evenkeel_config::problem::Place;
use evenkeel_config::provenance::Provenance;
use evenkeel_config::quantity::Span;

use super::Compiler;
use crate::model::{Demand, Draw, Pool};

/// 8,766 hours, in milliseconds.
const YEAR_MS: f64 = 8_766.0 * 3.6e6;
/// More open orders than this are not followed.
const MOST_ORDERS: f64 = 1000.0;
/// No order takes longer than at this rank, in sigma: the end of every law's table.
const LAST: f64 = 8.0;

impl<'a> Compiler<'a> {
    /// The pools of spare parts.
    pub(super) fn pools(&mut self) {
        for component in self.inputs.map.components.values() {
            let Details::Spare(spare) = &component.details else { continue };
            let Some(node) = self.node(&component.id) else { continue };
            let demand = self.demand(component, spare);
            let id = component.id.as_str();
            let value = match (&demand, mean_gap(spare)) {
                (Some(_), Some(gap)) => format!(
                    "{} in stock when no order is open, one used every {}",
                    spare.stock,
                    crate::words::duration(gap.as_ms())
                ),
                _ => format!("{} in stock", spare.stock),
            };
            let key = format!("spare.{id}.stock");
            self.figure(key, &component.id, "Lead times", value, Provenance::Declared, "the map");
            if let Some(law) = &spare.lead_time {
                let key = format!("spare.{id}.lead-time");
                let value = format!("an order takes {}", crate::words::law(law));
                self.figure(
                    key,
                    &component.id,
                    "Lead times",
                    value,
                    component.provenance,
                    "the map",
                );
            }
            self.model.pools.push(Pool { node, stock: spare.stock, demand });
        }
    }

    /// Orders from before the strike. Now and tonight the stock is what the
    /// map says it is.
    fn demand(&mut self, component: &Component, spare: &Spare) -> Option<Demand> {
        let mean = mean_gap(spare)?;
        let law = self.stretched(spare.lead_time.clone()?);
        if self.near_as_of {
            return None;
        }
        let id = component.id.as_str();
        let lead = self.draw(id, "earlier order", "lead-time", &law, false);
        let longest = lead.sampler.at(LAST);
        if longest as f64 / mean.as_ms().max(1) as f64 > MOST_ORDERS {
            let key = format!("spare.{id}.failure_rate");
            self.problems.error(
                Place { key, ..Place::default() },
                format!("one used every {mean} means more than {MOST_ORDERS} open orders"),
                "check `units_in_use`, `failure_rate` (per piece and year) and `lead_time`",
            );
            return None;
        }
        let gap = self.draw(id, "earlier order", "gap", &Law::Exponential { mean }, false);
        Some(Demand { gap, lead, longest })
    }

    pub(super) fn pool_number(&self, id: &Id) -> Option<u32> {
        let node = self.node(id)?;
        let place = self.model.pools.binary_search_by_key(&node, |pool| pool.node);
        place.ok().map(|number| number as u32)
    }

    /// How long the order takes that a step places: each step has its own luck.
    pub(super) fn order(&mut self, spare: &Id, owner: &str, key: &str) -> Option<Draw> {
        let component = self.inputs.map.components.get(spare)?;
        let Details::Spare(spare) = &component.details else { return None };
        let law = self.stretched(spare.lead_time.clone()?);
        Some(self.draw(owner, key, "order", &law, false))
    }
}

/// Mean time between two uses in normal times, if demand is stated.
fn mean_gap(spare: &Spare) -> Option<Span> {
    let a_year = f64::from(spare.units_in_use?) * spare.failure_rate?;
    (a_year > 0.0).then(|| Span::from_ms(crate::draw::to_ms(YEAR_MS / a_year)))
}

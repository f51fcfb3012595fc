//! Spare parts: what is in stock, what an order takes, and what was ordered before the strike.
use evenkeel_config::id::Id;
use evenkeel_config::map::{Component, Details, Spare};
use evenkeel_config::problem::Place;
use evenkeel_config::provenance::Provenance;

use super::Compiler;
use crate::draw::Sampler;
use crate::model::{Demand, Draw, Pool};

/// 8,766 hours, in milliseconds.
const YEAR_MS: f64 = 8_766.0 * 3.6e6;
/// More open orders than this are not followed.
const MOST_ORDERS: f64 = 1000.0;
/// All but one in a billion orders have arrived after this quantile of their law.
const LAST: f64 = 1.0 - 1e-9;

impl<'a> Compiler<'a> {
    /// The pools of spare parts.
    pub(super) fn pools(&mut self) {
        for component in self.inputs.map.components.values() {
            let Details::Spare(spare) = &component.details else { continue };
            let Some(node) = self.node(&component.id) else { continue };
            let demand = self.demand(component, spare);
            let id = component.id.as_str();
            let value = match (&demand, self.near_as_of) {
                (Some(demand), _) => format!(
                    "{} in stock when no order is open, one used every {}",
                    spare.stock,
                    crate::words::duration(crate::draw::to_ms(demand.mean_gap))
                ),
                (None, true) => format!("{} in stock", spare.stock),
                (None, false) => format!("{} in stock when no order is open", spare.stock),
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
        let (units, rate) = (spare.units_in_use?, spare.failure_rate?);
        let law = self.stretched(spare.lead_time.clone()?);
        let a_year = f64::from(units) * rate;
        if self.near_as_of || a_year <= 0.0 {
            return None;
        }
        let id = component.id.as_str();
        let lead = self.draw(id, "earlier order", "lead-time", &law, false);
        let mean_gap = YEAR_MS / a_year;
        let longest = longest(&lead.sampler);
        if longest as f64 / mean_gap > MOST_ORDERS {
            let key = format!("spare.{id}.failure_rate");
            self.problems.error(
                Place { key, ..Place::default() },
                format!("{} failures a year are more than {MOST_ORDERS} open orders", a_year),
                "check `units_in_use`, `failure_rate` (per piece and year) and `lead_time`",
            );
            return None;
        }
        let gap_key = self.purposes.of(id, "earlier order", "gap");
        Some(Demand { mean_gap, gap_key, lead, longest })
    }

    pub(super) fn pool_number(&self, id: &Id) -> Option<u32> {
        let node = self.node(id)?;
        self.model.pools.iter().position(|pool| pool.node == node).map(|n| n as u32)
    }

    /// How long the order takes that a step places: each step has its own luck.
    pub(super) fn order(&mut self, spare: &Id, owner: &str, key: &str) -> Option<Draw> {
        let component = self.inputs.map.components.get(spare)?;
        let Details::Spare(spare) = &component.details else { return None };
        let law = self.stretched(spare.lead_time.clone()?);
        Some(self.draw(owner, key, "order", &law, false))
    }
}

fn longest(sampler: &Sampler) -> i64 {
    sampler.at(LAST)
}

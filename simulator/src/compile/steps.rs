//! Recovery steps, fail-overs and the phases before them.
use evenkeel_config::law::Law;
use evenkeel_config::map::{Component, Kind, Need, OnFailure, RecoveryStep};
use evenkeel_config::provenance::Provenance;
use evenkeel_config::record::Cause;
use evenkeel_config::scenario::{Phase, PhaseKind};

use super::{Compiler, millionths, minor};
use crate::model::{Expr, Failover, NONE, Step};

/// The lists of steps a component can have; the name is part of the random key.
const LISTS: [&str; 3] = ["recover", "repair", "clear"];

impl<'a> Compiler<'a> {
    /// The steps of every component; data sets are attached later.
    pub(super) fn steps(&mut self) {
        let map = self.inputs.map;
        for component in map.components.values() {
            let Some(node) = self.node(&component.id) else { continue };
            let common = &component.common;
            for (list, steps) in LISTS.iter().zip([&common.recover, &common.repair, &common.clear])
            {
                let numbers: Vec<u32> =
                    steps.iter().map(|step| self.step(component, node, list, step)).collect();
                let target = &mut self.model.nodes[node as usize];
                match *list {
                    "recover" => target.recover = numbers,
                    "repair" => target.repair = numbers,
                    _ => target.clear = numbers,
                }
            }
            self.failover(component, node);
        }
    }

    fn step(&mut self, component: &Component, node: u32, list: &str, step: &RecoveryStep) -> u32 {
        let id = component.id.as_str();
        let key = format!("{list}: {}", step.step);
        // A vendor named as the one who does it is waited for like any vendor.
        let vendor = step.who.as_ref().filter(|who| self.vendor_number(who).is_some()).cloned();
        let mut step = step.clone();
        if vendor.is_some() {
            step.who = None;
            step.vendor = vendor;
        }
        step.lead_time = step.lead_time.map(|law| self.stretched(law));
        let step = &step;
        let mut needs: Vec<&Need> = step.needs.iter().collect();
        if !step.break_glass {
            needs.extend(&component.common.recover_needs);
        }
        let gates: Vec<Expr> =
            needs.into_iter().filter_map(|need| self.expression(node, need, 0)).collect();
        self.step_figures(component, list, step);
        let law = |this: &mut Self, law: &Option<Law>, name: &str, bad_day| {
            law.as_ref().map(|law| this.draw(id, &key, name, law, bad_day))
        };
        let made = Step {
            owner: node,
            name: self.step_name(&step.step),
            cause: Cause::Effort as u8,
            effort: law(self, &step.effort, "effort", true),
            wait: law(self, &step.wait, "wait", false),
            lead: law(self, &step.lead_time, "lead-time", false),
            spare: step.spare.as_ref().and_then(|spare| self.pool_number(spare)),
            order: step.spare.as_ref().and_then(|spare| self.order(spare, id, &key)),
            vendor: step.vendor.as_ref().and_then(|vendor| self.vendor_number(vendor)),
            crew: self.crew(step),
            dataset: None,
            reentry: law(self, &step.reentry, "reentry", false),
            unclean: step.unclean,
            attended: step.attended,
            ground: self.model.nodes[node as usize].foundations.clone(),
            gates,
            success: step.success.map_or(1.0, |share| share.get()),
            success_key: self.purposes.of(id, &key, "success"),
            probability: 1.0,
            on_failure: step.on_failure.unwrap_or(OnFailure::Retry),
            break_glass: step.break_glass,
            each: step.each && component.kind == Kind::Fleet,
            cost: minor(step.cost.unwrap_or(0.0)),
            provenance: component.provenance,
            rank: 0,
        };
        self.model.steps.push(made);
        self.model.steps.len() as u32 - 1
    }

    /// A step that nobody wrote down: the plain restore of a data set.
    pub(super) fn implicit_step(
        &mut self,
        component: &Component,
        node: u32,
        step: &RecoveryStep,
    ) -> u32 {
        self.step(component, node, "implied", step)
    }

    /// A lead time as the scenario and its modifiers have it.
    pub(super) fn stretched(&self, law: Law) -> Law {
        if self.lead_times == 1.0 { law } else { law.times(self.lead_times) }
    }

    fn step_figures(&mut self, component: &Component, list: &str, step: &RecoveryStep) {
        let parts = [
            (&step.effort, "work"),
            (&step.lead_time, "lead time"),
            (&step.wait, "wait"),
            (&step.reentry, "entering again"),
        ];
        for (law, what) in parts {
            let Some(law) = law else { continue };
            let slug = step.step.replace(' ', "-");
            let key = format!("{}.{}.{list}.{slug}.{what}", component.kind.key(), component.id)
                .replace(' ', "-");
            let each = if step.each { " for each" } else { "" };
            let value = format!("{}: {} of {what}{each}", step.step, crate::words::law(law));
            let group = if what == "lead time" { "Lead times" } else { "Recovery work" };
            self.figure(key, &component.id, group, value, component.provenance, "the map");
        }
    }

    pub(super) fn vendor_number(&self, id: &evenkeel_config::id::Id) -> Option<u32> {
        let node = self.node(id)?;
        // Like people, links and repositories, they are in the order of ids.
        let place = self.model.vendors.binary_search_by_key(&node, |vendor| vendor.node);
        place.ok().map(|number| number as u32)
    }

    fn failover(&mut self, component: &Component, node: u32) {
        let Some(failover) = &component.common.failover else { return };
        let id = component.id.as_str();
        let name = match &failover.to {
            Some(to) => format!("switch to {}", self.title_of(to)),
            None => "switch over".to_owned(),
        };
        let mut step = RecoveryStep::named(name);
        step.effort = Some(failover.takes.clone());
        step.skill = failover.skill.clone();
        let number = self.step(component, node, "fail over", &step);
        let made = &mut self.model.steps[number as usize];
        made.cause = Cause::Failover as u8;
        // The point of a fail-over is that its own foundations may be gone.
        made.ground.clear();
        made.gates.clear();
        self.model.nodes[node as usize].failover = Some(Failover {
            to: failover.to.as_ref().and_then(|to| self.node(to)),
            step: number,
            capacity: failover.capacity.map_or(crate::model::ONE, |share| millionths(share.get())),
            success: failover.success.map_or(1.0, |share| share.get()),
            purpose: self.purposes.of(id, "fail over", "success"),
            parallel: failover.parallel,
        });
    }

    fn title_of(&self, id: &evenkeel_config::id::Id) -> String {
        self.node(id).map_or_else(String::new, |n| self.model.names.titles[n as usize].clone())
    }

    /// The phases between the strike and the start of recovery.
    pub(super) fn phases(&mut self) {
        for phase in &self.inputs.scenario.phase {
            let number = self.phase(phase);
            self.model.phases.push(number);
        }
    }

    fn phase(&mut self, phase: &Phase) -> u32 {
        let scenario = self.inputs.scenario;
        let mut step = RecoveryStep::named(phase.name.clone());
        let human = phase.skill.is_some() || phase.who.is_some();
        step.skill = phase.skill.clone();
        step.who = phase.who.clone();
        step.vendor = phase.vendor.clone();
        let key = format!("phase: {}", phase.name);
        let takes = self.draw("", &key, "takes", &phase.takes, human);
        let cause = match phase.phase {
            PhaseKind::Detect => Cause::Detection,
            PhaseKind::Hold => Cause::Hold,
            PhaseKind::Notify | PhaseKind::Assess | PhaseKind::Declare | PhaseKind::Contain => {
                Cause::Declaration
            }
        };
        let provenance =
            if phase.source.is_some() { Provenance::Default } else { Provenance::Declared };
        self.figures.push(evenkeel_config::record::InputFigure {
            key: format!("scenario.phase.{}", phase.name.replace(' ', "-")),
            component: None,
            group: "The event".into(),
            value: format!("{}: {}", phase.name, crate::words::law(&phase.takes)),
            provenance,
            source: phase.source.clone().unwrap_or_else(|| format!("scenario {}", scenario.id)),
        });
        let crew = if human { self.crew(&step) } else { None };
        let (effort, wait) = if human { (Some(takes), None) } else { (None, Some(takes)) };
        let made = Step {
            owner: NONE,
            name: self.step_name(&phase.name),
            cause: cause as u8,
            effort,
            wait,
            lead: None,
            spare: None,
            order: None,
            vendor: phase.vendor.as_ref().and_then(|vendor| self.vendor_number(vendor)),
            crew,
            dataset: None,
            reentry: None,
            unclean: false,
            attended: false,
            ground: Vec::new(),
            gates: Vec::new(),
            success: 1.0,
            success_key: self.purposes.of("", &key, "happens"),
            probability: phase.probability.get(),
            on_failure: OnFailure::Retry,
            break_glass: false,
            each: false,
            cost: 0,
            provenance,
            rank: 0,
        };
        self.model.steps.push(made);
        self.model.steps.len() as u32 - 1
    }
}

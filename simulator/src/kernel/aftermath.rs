//! What the blows left, before anybody has noticed: what the fast paths are planned from.
use super::{Grave, Trial};
use crate::model::Model;

/// The state of a trial right after the blows of the first instant.
#[derive(Debug)]
pub(crate) struct Aftermath<'m> {
    /// Capacity of each component.
    pub(crate) capacity: Vec<i32>,
    /// What physically stands of each component.
    pub(crate) ground: Vec<i32>,
    /// Whether a component's own state is hurt.
    pub(crate) hurt: Vec<bool>,
    /// The steps that bring it back.
    pub(crate) steps: Vec<&'m [u32]>,
    /// A data set was hit.
    pub(crate) data_hit: bool,
    /// Something else happens later by itself: a blow, the end of an outage,
    /// a loss that is noticed late.
    pub(crate) more_to_come: bool,
}

impl<'m> Aftermath<'m> {
    /// Lets the blows of a trial fall and looks. Where no blow hangs on luck,
    /// all trials look like this.
    pub(crate) fn of(model: &'m Model) -> Self {
        let mut trial = Trial::new(model);
        trial.reset(0, 0);
        trial.settle();
        trial.begin_strikes();
        trial.settle();
        let nodes = 0..model.nodes.len() as u32;
        let hurt: Vec<bool> =
            nodes.clone().map(|node| trial.own[node as usize].grave != Grave::Whole).collect();
        Self {
            capacity: trial.capacity.clone(),
            ground: trial.ground.clone(),
            steps: nodes.map(|node| trial.steps_for(node)).collect(),
            data_hit: trial.hit.contains(&true),
            more_to_come: trial.queue.next_at().is_some(),
            hurt,
        }
    }
}

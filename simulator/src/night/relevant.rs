//! Which components bear on a function: what it needs to run, and what bringing that back needs.
use crate::model::{Expr, Model, NONE};

/// By component, whether it bears on function number `function`.
pub(super) fn relevant(model: &Model, function: usize) -> Vec<bool> {
    let mut seen = vec![false; model.nodes.len()];
    let function = &model.functions[function];
    let mut open: Vec<u32> = function.closure.clone();
    open.push(function.node);
    open.extend(function.workaround.map(|stopgap| stopgap.node));
    while let Some(node) = open.pop() {
        let index = node as usize;
        if node == NONE || std::mem::replace(&mut seen[index], true) {
            continue;
        }
        let compiled = &model.nodes[index];
        open.extend(&compiled.foundations);
        for need in &compiled.needs {
            suppliers(model, need, &mut open);
        }
        let mut steps: Vec<u32> = Vec::new();
        for list in [&compiled.recover, &compiled.repair, &compiled.clear] {
            steps.extend(list);
        }
        if let Some(failover) = &compiled.failover {
            steps.push(failover.step);
            open.extend(failover.to);
        }
        if let Some(data) = compiled.dataset {
            let data = &model.datasets[data as usize];
            steps.extend(data.own_steps.iter().chain(&data.named_by));
            open.extend(data.chains.iter().map(|chain| model.copies[chain.copy as usize].node));
        }
        if let Some(copy) = compiled.copy {
            let links = &model.copies[copy as usize].links;
            open.extend(links.iter().map(|link| model.links[*link as usize].node));
        }
        for number in steps {
            let step = &model.steps[number as usize];
            open.push(step.owner);
            open.extend(&step.ground);
            open.extend(step.spare);
            open.extend(step.vendor.map(|vendor| model.vendors[vendor as usize].node));
            open.extend(step.dataset.map(|data| model.datasets[data as usize].node));
            for gate in &step.gates {
                suppliers(model, gate, &mut open);
            }
            if let Some(crew) = &step.crew {
                let people = crew.candidates.iter().chain(&crew.deputies);
                open.extend(people.map(|person| model.people[*person as usize].node));
            }
        }
    }
    seen
}

fn suppliers(model: &Model, need: &Expr, found: &mut Vec<u32>) {
    match need {
        Expr::Edge(edge) => found.push(model.edges[*edge as usize].to),
        Expr::All(parts) | Expr::Any(parts) | Expr::AtLeast(_, parts) => {
            for part in parts {
                suppliers(model, part, found);
            }
        }
    }
}

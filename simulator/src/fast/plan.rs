//! Which path a model can take, read from its properties alone, and the tasks of that path.
//!
//! A plan is a list of tasks, each a span of time that begins when all tasks
//! before it are over. It exists only where that is all there is to a trial,
//! whatever the luck: every blow certain and at the first instant, no share of
//! capacity but none and all, no retries, no restores, nothing that falls
//! again, and people either always enough or all alike and always there. Structs
//! of the model are taken apart without `..`, so that whoever adds a property
//! decides here whether a plan still tells the whole story.
use evenkeel_config::map::Kind;
use evenkeel_config::record::Cause;
use evenkeel_config::scenario::{Effect, Pick};

use crate::draw::Sampler;
use crate::kernel::Aftermath;
use crate::key::Purpose;
use crate::model::{
    Crew, Draw, Expr, Failover, Function, Model, NONE, Node, ONE, Person, Step, Strike,
};
use crate::run::HoursKey;

/// Beyond this many tasks, no sets of ancestors are kept: 32 MB of bits.
const MOST_ANCESTORS: usize = 1 << 14;
/// Where what is waited for takes longer lists than this for each component
/// and step, a pass over them costs more than the general kernel.
const MOST_WAITED_FOR: usize = 128;

/// A span of time.
#[derive(Debug, Clone)]
pub(super) struct Task {
    /// How long it takes.
    pub(super) takes: Draw,
    /// The chance that it is needed at all, for phases.
    pub(super) needed: Option<(f64, Purpose)>,
    /// What its time goes into.
    pub(super) label: HoursKey,
    /// Who is waited for before it, if one of the crew must do it.
    pub(super) crew: Option<HoursKey>,
    /// Place in the queue for people.
    pub(super) order: (i64, u32, u32),
    /// The tasks that must be over, none implied by another.
    pub(super) after: Vec<u32>,
    /// What foundations that stand already are up by: a rise at the very
    /// instant at which the task begins may be named as its cause.
    pub(super) rivals: Vec<Vec<u32>>,
}

/// A model as tasks, in an order in which each follows those it waits for.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// The tasks.
    pub(super) tasks: Vec<Task>,
    /// The first so many are the phases, one after the other.
    pub(super) phases: usize,
    /// How many people share all work, where there are fewer than could be needed.
    pub(super) crew: Option<usize>,
    /// Per function: the tasks that it waits for; none if it was not touched.
    pub(super) functions: Vec<Vec<u32>>,
    /// Money spent in every trial.
    pub(super) spent: i64,
}

impl Plan {
    /// The plan of a model, if there is one.
    pub(super) fn of(model: &Model) -> Option<Self> {
        if !plain(model) {
            return None;
        }
        let aftermath = Aftermath::of(model);
        if aftermath.data_hit || aftermath.more_to_come {
            return None;
        }
        let binary = |capacity: &i32| *capacity == 0 || *capacity == ONE;
        if !aftermath.capacity.iter().chain(&aftermath.ground).all(binary) {
            return None;
        }
        let planner = Planner {
            model,
            aftermath,
            tasks: Vec::new(),
            ancestors: Vec::new(),
            rises: vec![Visit::New; model.nodes.len()],
            stands: vec![Visit::New; model.nodes.len()],
            jobs: vec![Visit::New; model.nodes.len()],
            launch: Vec::new(),
            standing: Vec::new(),
            waited_for: 0,
            spent: 0,
        };
        planner.plan()
    }
}

/// Whether everything that the blows and the functions say is within a plan's words.
fn plain(model: &Model) -> bool {
    let Model {
        nodes,
        edges: _,
        draws: _,
        steps: _,
        phases: _,
        people: _,
        vendors: _,
        pools: _,
        calendars: _,
        workday_ends: _,
        midnights: _,
        links: _,
        copies: _,
        datasets: _,
        strikes,
        functions,
        start: _,
        start_key: _,
        dwell: _,
        bad_day: _,
        bad_day_key: _,
        horizon: _,
        overtime_per_hour: _,
        names: _,
        crews: _,
        lean: _,
        quorums,
        lapses,
        reinfected: _,
    } = model;
    lapses.is_empty()
        && quorums.is_empty()
        && strikes.iter().all(certain)
        && nodes.iter().all(|node| !node.absent)
        && functions.iter().all(judged_by_capacity)
}

/// A blow that falls at once, on the same components in every trial, and leaves
/// them as they are.
fn certain(strike: &Strike) -> bool {
    let Strike {
        name: _,
        targets,
        pick,
        probability,
        together: _,
        effect,
        capacity: _,
        lasts,
        after,
        spares_immutable: _,
        spread,
    } = strike;
    let chosen = match pick {
        Pick::Each => true,
        _ => targets.len() <= 1,
    };
    chosen
        && *probability >= 1.0
        && *effect != Effect::Degraded
        && lasts.is_none()
        && spread.is_none()
        && after.as_ref().is_none_or(|after| after.sampler == Sampler::Fixed(0))
}

/// A function whose outcome follows from when its system is back.
fn judged_by_capacity(function: &Function) -> bool {
    let Function {
        node: _,
        minimum,
        catch_up: _,
        workaround,
        loss: _,
        demand: _,
        deadlines: _,
        deadline_loss: _,
        life_safety: _,
        rto: _,
        datasets: _,
        closure: _,
        cannot: _,
    } = function;
    workaround.is_none() && *minimum > 0
}

/// Tasks whose end is waited for; in the making, or made.
#[derive(Debug, Clone)]
enum Visit {
    New,
    Open,
    Done(Vec<u32>),
}

struct Planner<'m> {
    model: &'m Model,
    aftermath: Aftermath<'m>,
    tasks: Vec<Task>,
    /// Per task, all tasks before it, as bits.
    ancestors: Vec<Vec<u64>>,
    rises: Vec<Visit>,
    stands: Vec<Visit>,
    jobs: Vec<Visit>,
    /// What recovery waits for: the last phase.
    launch: Vec<u32>,
    /// Tasks that wait for a foundation to stand, which may be up later.
    standing: Vec<(u32, u32)>,
    /// How long all lists of what is waited for are together.
    waited_for: usize,
    spent: i64,
}

impl Planner<'_> {
    fn plan(mut self) -> Option<Plan> {
        let model = self.model;
        for number in &model.phases {
            let step = &model.steps[*number as usize];
            let after = std::mem::take(&mut self.launch);
            self.launch = self.step(step, after, 2 * model.nodes.len() as u32)?;
        }
        let phases = self.tasks.len();
        if self.tasks.iter().any(|task| task.crew.is_some() && task.needed.is_some()) {
            return None;
        }
        for node in 0..model.nodes.len() as u32 {
            if self.aftermath.hurt[node as usize] {
                self.job(node)?;
            }
            let failover = model.nodes[node as usize].failover.is_some();
            if failover && self.aftermath.ground[node as usize] == 0 {
                return None;
            }
        }
        let mut functions = Vec::new();
        for function in &model.functions {
            functions.push(self.rise(function.node)?);
        }
        for (task, foundation) in std::mem::take(&mut self.standing) {
            let up = self.rise(foundation)?;
            if up != self.stand(foundation)? {
                self.tasks[task as usize].rivals.push(up);
            }
        }
        let crew = self.crew(phases)?;
        Some(Plan { tasks: self.tasks, phases, crew, functions, spent: self.spent })
    }

    /// What a component's capacity waits for; `None`: out of a plan's words.
    fn rise(&mut self, node: u32) -> Option<Vec<u32>> {
        let index = node as usize;
        if self.aftermath.capacity[index] == ONE {
            return Some(Vec::new());
        }
        match &self.rises[index] {
            Visit::Done(tasks) => return Some(tasks.clone()),
            Visit::Open => return None,
            Visit::New => self.rises[index] = Visit::Open,
        }
        let model = self.model;
        let compiled = &model.nodes[index];
        let mut after = if self.aftermath.hurt[index] { self.job(node)? } else { Vec::new() };
        for foundation in &compiled.foundations {
            after.extend(self.rise(*foundation)?);
        }
        for need in &compiled.needs {
            self.need(need, &mut after)?;
        }
        let mut after = self.reduced(after)?;
        if let Some(start) = &compiled.start {
            let label = (Cause::Start as u8, node, NONE);
            after = vec![self.task(start.clone(), label, after, (0, 0, 0))];
        }
        self.rises[index] = Visit::Done(after.clone());
        Some(after)
    }

    /// What a component's standing waits for.
    fn stand(&mut self, node: u32) -> Option<Vec<u32>> {
        let index = node as usize;
        if self.aftermath.ground[index] == ONE {
            return Some(Vec::new());
        }
        match &self.stands[index] {
            Visit::Done(tasks) => return Some(tasks.clone()),
            Visit::Open => return None,
            Visit::New => self.stands[index] = Visit::Open,
        }
        let model = self.model;
        let mut after = if self.aftermath.hurt[index] { self.job(node)? } else { Vec::new() };
        for foundation in &model.nodes[index].foundations {
            let stands = matches!(model.nodes[*foundation as usize].kind, Kind::Power | Kind::Site);
            after.extend(if stands { self.rise(*foundation)? } else { self.stand(*foundation)? });
        }
        let after = self.reduced(after)?;
        self.stands[index] = Visit::Done(after.clone());
        Some(after)
    }

    /// A need as tasks that must all be over.
    fn need(&mut self, need: &Expr, after: &mut Vec<u32>) -> Option<()> {
        match need {
            Expr::Edge(number) => {
                let edge = &self.model.edges[*number as usize];
                if self.aftermath.capacity[edge.to as usize] < ONE && edge.floor > 0 {
                    return None;
                }
                after.extend(self.rise(edge.to)?);
                Some(())
            }
            Expr::All(parts) => parts.iter().try_for_each(|part| self.need(part, after)),
            Expr::Any(parts) => {
                if parts.len() > 1 && !parts.iter().any(|part| self.holds(part)) {
                    return None;
                }
                if parts.len() == 1 { self.need(&parts[0], after) } else { Some(()) }
            }
            Expr::AtLeast(k, parts) => {
                let holding = parts.iter().filter(|part| self.holds(part)).count();
                if holding >= *k {
                    return Some(());
                }
                if *k < parts.len() {
                    return None;
                }
                parts.iter().try_for_each(|part| self.need(part, after))
            }
        }
    }

    /// Whether a need was never hurt.
    fn holds(&self, need: &Expr) -> bool {
        match need {
            Expr::Edge(number) => {
                self.aftermath.capacity[self.model.edges[*number as usize].to as usize] == ONE
            }
            Expr::All(parts) => parts.iter().all(|part| self.holds(part)),
            Expr::Any(parts) => parts.iter().any(|part| self.holds(part)),
            Expr::AtLeast(k, parts) => parts.iter().filter(|part| self.holds(part)).count() >= *k,
        }
    }

    /// The steps of a hurt component, one after the other.
    fn job(&mut self, node: u32) -> Option<Vec<u32>> {
        let index = node as usize;
        match &self.jobs[index] {
            Visit::Done(tasks) => return Some(tasks.clone()),
            Visit::Open => return None,
            Visit::New => self.jobs[index] = Visit::Open,
        }
        let Node {
            kind: _,
            foundations: _,
            stands_on: _,
            needs: _,
            dependents: _,
            held_edges: _,
            start: _,
            failover,
            recover: _,
            repair: _,
            clear: _,
            fleet,
            dataset,
            copy: _,
            runtime: _,
            rank: _,
            falls_along: _,
            absent: _,
            behind,
        } = &self.model.nodes[index];
        let failover: &Option<Failover> = failover;
        let steps = self.aftermath.steps[index];
        if steps.is_empty() || fleet.is_some() || dataset.is_some() || failover.is_some() {
            return None;
        }
        // Struck alternatives recover in turn, whichever turn comes first.
        let hurt = |before: &Vec<u32>| before.iter().any(|n| self.aftermath.hurt[*n as usize]);
        if !behind.is_empty() && behind.iter().all(hurt) {
            return None;
        }
        let mut after = self.launch.clone();
        for number in steps {
            let step = &self.model.steps[*number as usize];
            after = self.step(step, after, node)?;
        }
        self.jobs[index] = Visit::Done(after.clone());
        Some(after)
    }

    /// The pieces of a step; what follows waits for what is returned.
    fn step(&mut self, step: &Step, after: Vec<u32>, job: u32) -> Option<Vec<u32>> {
        let Step {
            owner,
            name,
            cause,
            effort,
            wait,
            lead,
            spare,
            order: _,
            vendor,
            crew,
            dataset,
            reentry: _,
            attended: _,
            ground,
            gates,
            success,
            success_key,
            probability,
            on_failure: _,
            break_glass,
            each,
            cost,
            provenance: _,
            unclean: _,
            rank,
        } = step;
        let phase = *owner == NONE;
        let certain = *success >= 1.0 || phase;
        if spare.is_some() || dataset.is_some() || *break_glass || *each || !certain {
            return None;
        }
        if crew.is_some() && (vendor.is_some() || phase) {
            return None;
        }
        let needed = (*probability < 1.0).then_some((*probability, *success_key));
        if needed.is_some() && (!phase || vendor.is_some() || *cost != 0) {
            return None;
        }
        let mut after = after;
        for foundation in ground {
            after.extend(self.stand(*foundation)?);
        }
        for gate in gates {
            self.need(gate, &mut after)?;
        }
        let mut response = None;
        if let Some(number) = vendor {
            let vendor = &self.model.vendors[*number as usize];
            let calendar = &self.model.calendars[vendor.hours as usize];
            if !calendar.is_always() || vendor.per_hour != 0 {
                return None;
            }
            after.extend(self.rise(vendor.node)?);
            response = vendor.response.clone().map(|takes| (takes, vendor.node));
        }
        let after = self.reduced(after)?;
        self.spent += cost;
        let node = vendor.map(|number| self.model.vendors[number as usize].node);
        let work = if vendor.is_some() { Cause::Vendor as u8 } else { *cause };
        let rest = if phase { *cause } else { Cause::Wait as u8 };
        let pieces = [
            lead.clone().map(|takes| (takes, (Cause::LeadTime as u8, *owner, *name))),
            response.map(|(takes, node)| (takes, (Cause::Vendor as u8, node, *name))),
            effort.clone().map(|takes| (takes, (work, node.unwrap_or(*owner), *name))),
            wait.clone().map(|takes| (takes, (rest, *owner, *name))),
        ];
        let mut after = after;
        let mut crew_left = crew.as_ref();
        let mut first = true;
        for (place, piece) in pieces.into_iter().enumerate() {
            let Some((takes, label)) = piece else { continue };
            let order = (*rank, job, self.tasks.len() as u32);
            let task = self.task(takes, label, after, order);
            if first {
                let hurt = ground.iter().filter(|node| self.aftermath.ground[**node as usize] == 0);
                self.standing.extend(hurt.map(|node| (task, *node)));
                first = false;
            }
            self.tasks[task as usize].needed = needed;
            if place == 2
                && let Some(crew) = crew_left.take()
            {
                self.tasks[task as usize].crew = Some(self.busy(crew, *name)?);
            }
            after = vec![task];
        }
        // People without work of their own, whom the kernel still waits for;
        // a step of no time at all that waits for a foundation.
        let stands = |node: &u32| self.aftermath.ground[*node as usize] == ONE;
        if crew_left.is_some() || first && !ground.iter().all(stands) {
            return None;
        }
        Some(after)
    }

    /// The label of waiting for people, who must be there at all times.
    fn busy(&self, crew: &Crew, step: u32) -> Option<HoursKey> {
        let Crew { candidates, deputies, heads, overtime, class: _ } = crew;
        let first = &self.model.people[*candidates.first()? as usize];
        let alike = candidates.iter().all(|number| {
            let Person {
                node,
                hours,
                overtime: _,
                fatigue,
                away,
                away_key: _,
                away_for: _,
                days_key: _,
                absent,
                leave,
            } = &self.model.people[*number as usize];
            *node == first.node
                && self.model.calendars[*hours as usize].is_always()
                && fatigue.is_none()
                && *away <= 0.0
                && !absent
                && leave.is_empty()
        });
        let plain = deputies.is_empty() && *heads == 1 && !overtime;
        (alike && plain).then_some((Cause::PersonBusy as u8, first.node, step))
    }

    /// How many people share the work; `Some(None)` where nobody is waited for.
    #[expect(clippy::option_option, reason = "no plan, or a plan without a crew")]
    fn crew(&self, phases: usize) -> Option<Option<usize>> {
        let crews: Vec<&Crew> = self
            .model
            .steps
            .iter()
            .filter(|step| step.owner != NONE)
            .filter_map(|s| s.crew.as_ref())
            .collect();
        let with: Vec<&Task> = self.tasks.iter().filter(|task| task.crew.is_some()).collect();
        if with.is_empty() {
            return Some(None);
        }
        // One job does one thing at a time, so no more than the jobs are busy.
        let mut jobs: Vec<u32> = with.iter().map(|task| task.order.1).collect();
        jobs.sort_unstable();
        jobs.dedup();
        let fewest = crews.iter().map(|crew| crew.candidates.len()).min()?;
        if fewest >= jobs.len() {
            return Some(None);
        }
        let same = crews.windows(2).all(|pair| pair[0].candidates == pair[1].candidates);
        let all = self.tasks[phases..].iter().all(|task| task.crew.is_some());
        (same && all).then_some(Some(fewest))
    }

    fn task(
        &mut self,
        takes: Draw,
        label: HoursKey,
        after: Vec<u32>,
        order: (i64, u32, u32),
    ) -> u32 {
        let number = self.tasks.len();
        if number < MOST_ANCESTORS {
            let mut bits = vec![0_u64; number.div_ceil(64)];
            for task in &after {
                for (mine, theirs) in bits.iter_mut().zip(&self.ancestors[*task as usize]) {
                    *mine |= theirs;
                }
                bits[*task as usize / 64] |= 1 << (task % 64);
            }
            self.ancestors.push(bits);
        }
        self.tasks.push(Task {
            takes,
            needed: None,
            label,
            crew: None,
            order,
            after,
            rivals: Vec::new(),
        });
        number as u32
    }

    /// Without doubles, and without tasks that another one already waits for.
    /// `None` if all such lists together are too long for a pass to pay.
    fn reduced(&mut self, mut after: Vec<u32>) -> Option<Vec<u32>> {
        after.sort_unstable();
        after.dedup();
        if after.len() > 1 {
            let mut implied = Vec::new();
            for task in &after {
                let Some(bits) = self.ancestors.get(*task as usize) else { continue };
                implied.resize(implied.len().max(bits.len()), 0_u64);
                for (all, theirs) in implied.iter_mut().zip(bits) {
                    *all |= theirs;
                }
            }
            let bit = |task: u32| implied.get(task as usize / 64).map(|word| word >> (task % 64));
            after.retain(|task| bit(*task).is_none_or(|bit| bit & 1 == 0));
        }
        self.waited_for += after.len();
        let most = MOST_WAITED_FOR * (self.model.nodes.len() + self.model.steps.len());
        (self.waited_for <= most).then_some(after)
    }
}

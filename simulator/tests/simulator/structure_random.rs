//! Structures of random maps against enumeration of all their states.
use std::collections::BTreeSet;

use evenkeel_config::graph;
use evenkeel_config::record::{Failing, StructureFigures};
use evenkeel_simulator::structure::structure;
use proptest::prelude::*;

use crate::support::{HEAD, map};

#[derive(Debug, Clone)]
enum Need {
    One(usize),
    Share(usize, f64),
    AtLeast(usize, Vec<Need>),
}

#[derive(Debug, Clone)]
struct Part {
    availability: Option<f64>,
    /// Member of the group with a common cause.
    grouped: bool,
    site: bool,
    needs: Vec<Need>,
}

/// The function needs `needs`; every part may need any other, so there are circles.
#[derive(Debug, Clone)]
struct Plan {
    minimum: f64,
    needs: Vec<Need>,
    parts: Vec<Part>,
}

/// The availability and the beta of the group's members.
const GROUP: (f64, f64) = (0.7, 0.4);

fn need(count: usize) -> impl Strategy<Value = Need> {
    let leaf = prop_oneof![
        3 => (0..count).prop_map(Need::One),
        1 => (0..count, prop::sample::select(vec![0.25, 0.5, 0.75]))
            .prop_map(|(to, share)| Need::Share(to, share)),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop::collection::vec(inner, 1..4)
            .prop_flat_map(|parts| (1..=parts.len(), Just(parts)))
            .prop_map(|(least, parts)| Need::AtLeast(least, parts))
    })
}

fn plan() -> impl Strategy<Value = Plan> {
    (2_usize..8).prop_flat_map(|count| {
        let availability = prop_oneof![
            1 => Just(None),
            4 => prop::sample::select(vec![0.1, 0.5, 0.9, 0.99, 0.999_999, 1.0]).prop_map(Some),
        ];
        let part = (
            availability,
            prop::bool::weighted(0.25),
            prop::bool::weighted(0.3),
            prop::collection::vec(need(count), 0..3),
        );
        let part = part.prop_map(|(availability, grouped, site, needs)| Part {
            availability: if grouped { Some(GROUP.0) } else { availability },
            grouped,
            site,
            needs,
        });
        (
            prop::sample::select(vec![0.25, 0.5, 0.75, 1.0]),
            prop::collection::vec(need(count), 1..4),
            prop::collection::vec(part, count..=count),
        )
            .prop_map(|(minimum, needs, parts)| Plan { minimum, needs, parts })
    })
}

impl Need {
    fn written(&self, name: &dyn Fn(usize) -> String) -> String {
        match self {
            Self::One(to) => format!("\"{}\"", name(*to)),
            Self::Share(to, share) => format!("{{ id = \"{}\", share = {share} }}", name(*to)),
            Self::AtLeast(least, parts) => {
                let all: Vec<String> = parts.iter().map(|part| part.written(name)).collect();
                let list = all.join(", ");
                match *least {
                    1 => format!("{{ any = [{list}] }}"),
                    least if least == parts.len() => format!("{{ all = [{list}] }}"),
                    least => format!("{{ at_least = {least}, of = [{list}] }}"),
                }
            }
        }
    }

    /// Nobody may need themselves: such a need is left out of the plan.
    fn names(&self, this: usize) -> bool {
        match self {
            Self::One(to) | Self::Share(to, _) => *to == this,
            Self::AtLeast(_, parts) => parts.iter().any(|part| part.names(this)),
        }
    }

    /// Rule 14: the least, the greatest, the k-th greatest; an edge with a
    /// share leaves the rest.
    fn capacity(&self, of: &[f64]) -> f64 {
        match self {
            Self::One(to) => of[*to],
            Self::Share(to, share) => of[*to].max(1.0 - share),
            Self::AtLeast(least, parts) => {
                let mut all: Vec<f64> = parts.iter().map(|part| part.capacity(of)).collect();
                all.sort_by(|a, b| b.total_cmp(a));
                all[least - 1]
            }
        }
    }
}

impl Plan {
    fn sound(mut self) -> Self {
        for (this, part) in self.parts.iter_mut().enumerate() {
            part.needs.retain(|need| !need.names(this));
        }
        self
    }

    fn text(&self, name: &dyn Fn(usize) -> String) -> String {
        let written = |needs: &[Need]| -> String {
            let all: Vec<String> = needs.iter().map(|need| need.written(name)).collect();
            all.join(", ")
        };
        let mut text = format!("{HEAD}[site.hall]\navailability = 0.95\n");
        for (this, part) in self.parts.iter().enumerate() {
            text += &format!("[host.{}]\nneeds = [{}]\n", name(this), written(&part.needs));
            if let Some(availability) = part.availability {
                text += &format!("availability = {availability}\n");
            }
            if part.grouped {
                text += &format!("common_cause = {{ group = \"g\", beta = {} }}\n", GROUP.1);
            }
            if part.site {
                text += "site = \"hall\"\n";
            }
        }
        text + &format!(
            "[function.f]\nminimum = {}\nneeds = [{}]\n",
            self.minimum,
            written(&self.needs)
        )
    }

    /// What fails by itself: the parts, the site, the group.
    fn events(&self, name: &dyn Fn(usize) -> String) -> Vec<(String, f64)> {
        let own = |part: &Part| {
            let fails = 1.0 - part.availability.unwrap_or(1.0);
            if part.grouped { fails * (1.0 - GROUP.1) } else { fails }
        };
        let mut events: Vec<(String, f64)> =
            self.parts.iter().enumerate().map(|(n, part)| (name(n), own(part))).collect();
        events.push(("hall".to_owned(), 1.0 - 0.95));
        events.push(("the group g".to_owned(), (1.0 - GROUP.0) * GROUP.1));
        events
    }

    /// Whether the function is down when exactly the events of a mask are: from
    /// full capacity down, until nothing changes any more.
    fn is_down(&self, mask: usize) -> bool {
        let count = self.parts.len();
        let failed = |event: usize| mask >> event & 1 == 1;
        let mut capacity = vec![1.0; count];
        loop {
            let mut next = capacity.clone();
            for (this, part) in self.parts.iter().enumerate() {
                let fails =
                    failed(this) || part.site && failed(count) || part.grouped && failed(count + 1);
                let needs = part.needs.iter().map(|need| need.capacity(&capacity));
                next[this] = needs.fold(if fails { 0.0 } else { 1.0 }, f64::min);
            }
            if next == capacity {
                break;
            }
            capacity = next;
        }
        let needs = self.needs.iter().map(|need| need.capacity(&capacity));
        needs.fold(1.0, f64::min) < self.minimum
    }
}

/// All states of a plan, with what follows from them.
struct States<'a> {
    events: &'a [(String, f64)],
    down: Vec<bool>,
}

impl States<'_> {
    /// The chance to be down, with one event made certain or impossible.
    fn chance(&self, fixed: Option<(usize, bool)>) -> f64 {
        self.sum(fixed, &|mask| self.down[mask])
    }

    /// The chance that all members of a smallest combination with an event are down.
    fn having(&self, minimal: &[usize], event: usize) -> f64 {
        let with: Vec<usize> =
            minimal.iter().copied().filter(|mask| mask >> event & 1 == 1).collect();
        self.sum(None, &|mask| with.iter().any(|cut| mask & cut == *cut))
    }

    fn sum(&self, fixed: Option<(usize, bool)>, counts: &dyn Fn(usize) -> bool) -> f64 {
        let chance = |mask: usize| -> f64 {
            let each = self.events.iter().enumerate().map(|(event, (_, fails))| {
                let fails = match fixed {
                    Some((which, happens)) if which == event => f64::from(u8::from(happens)),
                    _ => *fails,
                };
                if mask >> event & 1 == 1 { fails } else { 1.0 - fails }
            });
            each.product()
        };
        (0..self.down.len()).filter(|mask| counts(*mask)).map(chance).sum()
    }

    fn minimal(&self) -> Vec<usize> {
        let is_minimal = |mask: &usize| {
            let members = (0..self.events.len()).filter(|event| mask >> event & 1 == 1);
            self.down[*mask] && members.into_iter().all(|event| !self.down[mask ^ (1 << event)])
        };
        (0..self.down.len()).filter(is_minimal).collect()
    }

    fn named(&self, mask: usize) -> BTreeSet<String> {
        let members = (0..self.events.len()).filter(|event| mask >> event & 1 == 1);
        members.map(|event| self.events[event].0.clone()).collect()
    }
}

fn name_of(failing: &Failing) -> String {
    match failing {
        Failing::Component(id) => id.to_string(),
        Failing::CommonCause(group) => format!("the group {group}"),
    }
}

fn near(got: f64, exact: f64) -> bool {
    (got - exact).abs() <= 1e-9 * exact.abs() + 1e-15
}

fn figures(text: &str) -> StructureFigures {
    let mut found = structure(&map(text), &[], 3).unwrap_or_else(|problems| panic!("{problems}"));
    found.functions.remove(0).figures.expect("small enough")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_figure_is_that_of_enumeration(plan in plan().prop_map(Plan::sound)) {
        let plain = |n: usize| format!("c{n}");
        let events = plan.events(&plain);
        let down = (0..1 << events.len()).map(|mask| plan.is_down(mask)).collect();
        let states = States { events: &events, down };
        let text = plan.text(&plain);
        let found = figures(&text);
        let total = states.chance(None);
        prop_assert!(near(found.unavailability, total), "{} {total}\n{text}", found.unavailability);
        prop_assert!(near(found.availability, 1.0 - total));

        let minimal = states.minimal();
        let fewest = minimal.iter().map(|mask| mask.count_ones()).min();
        prop_assert_eq!(found.fewest_failures, fewest, "{}", text);
        let expected: BTreeSet<BTreeSet<String>> = minimal
            .iter()
            .filter(|mask| mask.count_ones() <= 3)
            .map(|mask| states.named(*mask))
            .collect();
        let sets: BTreeSet<BTreeSet<String>> = found
            .cut_sets
            .iter()
            .map(|set| set.parts.iter().map(|part| name_of(&part.failing)).collect())
            .collect();
        prop_assert_eq!(sets.len(), found.cut_sets.len());
        prop_assert_eq!(sets, expected, "{}", text);

        for (event, (name, fails)) in events.iter().enumerate() {
            let (never, always) =
                (states.chance(Some((event, false))), states.chance(Some((event, true))));
            let one = found.importance.iter().find(|one| name_of(&one.part.failing) == *name);
            let Some(one) = one else {
                prop_assert!(minimal.iter().all(|mask| mask >> event & 1 == 0), "{name}\n{text}");
                continue;
            };
            prop_assert!(near(one.unavailability, *fails));
            prop_assert!(near(one.birnbaum, always - never), "{name}\n{text}");
            if total > 0.0 {
                let having = states.having(&minimal, event);
                let found = one.fussell_vesely.expect("down at times");
                prop_assert!(near(found, having / total), "{name} {found}\n{text}");
                let share = (always - never) * fails / total;
                prop_assert!(near(one.criticality.expect("down at times"), share));
                prop_assert!(near(one.raw.expect("down at times"), always / total));
                prop_assert_eq!(one.rrw.is_some(), never > 0.0);
                if let Some(rrw) = one.rrw {
                    prop_assert!(near(rrw, total / never), "{rrw} {}\n{text}", total / never);
                }
            }
        }

        // Other names and another order of tables change no figure.
        let twin = plan.text(&|n| format!("{}{n}", ["zz", "m", "aa"][n % 3]));
        prop_assert!(near(figures(&twin).unavailability, total));
    }

    /// Where no edge has a share, what stops a function alone is what the map's
    /// own search finds.
    #[test]
    fn single_points_are_those_of_the_graph(plan in plan().prop_map(Plan::sound)) {
        let text = plan.text(&|n| format!("c{n}"));
        let whole = text.replace("share = 0.25", "share = 1").replace("share = 0.5", "share = 1");
        let whole = whole.replace("share = 0.75", "share = 1");
        let map = map(&whole);
        let found = structure(&map, &[], 1).expect("a function");
        let points: BTreeSet<String> = found.functions[0]
            .single_points
            .iter()
            .filter(|part| matches!(part.failing, Failing::Component(_)))
            .map(|part| name_of(&part.failing))
            .collect();
        let function = &found.functions[0].id;
        let known: BTreeSet<String> =
            graph::single_points(&map, function).iter().map(ToString::to_string).collect();
        prop_assert_eq!(points, known, "{}", whole);
    }
}

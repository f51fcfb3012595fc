//! The search against counting every set, and its own bounds.
use super::*;

fn terms(costs: &[i64], budget: i64, every_up_to: usize) -> Terms {
    Terms {
        items: costs.iter().map(|cost| Item { cost: *cost, days: 0 }).collect(),
        limits: Limits { cost: Some(budget), days: None },
        barred: BTreeSet::new(),
        every_up_to,
    }
}

type Asked = Result<Option<Judged>, std::convert::Infallible>;

fn worth(value: impl Fn(&[usize]) -> f64) -> impl FnMut(&[usize]) -> Asked {
    move |set| Ok(Some(Judged { value: value(set), allowed: true }))
}

fn found(terms: Terms, judge: impl FnMut(&[usize]) -> Asked) -> Found {
    match search(terms, judge) {
        Ok(found) => found,
    }
}

/// Luck for made-up portfolios.
fn luck(state: &mut u64) -> f64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 40) as f64 / 16_777_216.0
}

#[test]
fn the_knapsack_that_greed_gets_wrong() {
    let values = [60.0, 48.0, 47.0, 3.0];
    let sum = |set: &[usize]| set.iter().map(|n| values[*n]).sum::<f64>();
    for every_up_to in [0, 1000] {
        let terms = terms(&[6, 5, 5, 1], 10, every_up_to);
        let found = found(terms.clone(), worth(sum));
        assert_eq!((found.best.clone(), sum(&found.best)), (vec![1, 2], 95.0));
        assert!(found.certain);
        let Ok(ratio) = one_by_one(&terms, &values, worth(sum));
        assert_eq!((ratio.clone(), sum(&ratio)), (vec![0, 3], 63.0));
    }
}

/// Against trying every set: overlaps as in a coverage problem, where no
/// set is worth more than its parts.
#[test]
fn bounds_lose_no_best_set() {
    for case in 0..40_u64 {
        let mut state = case + 1;
        let n = 5 + (case % 6) as usize;
        let costs: Vec<i64> = (0..n).map(|_| 1 + (luck(&mut state) * 9.0) as i64).collect();
        let covers: Vec<u32> = (0..n).map(|_| (luck(&mut state) * 4096.0) as u32).collect();
        let value = |set: &[usize]| {
            f64::from(set.iter().fold(0, |all, number| all | covers[*number]).count_ones())
        };
        let bounded = found(terms(&costs, 15, 0), worth(value));
        let every = found(terms(&costs, 15, usize::MAX), worth(value));
        // Of equally good sets not always the same, but never one with idle fixes.
        assert_eq!(value(&bounded.best), value(&every.best), "case {case}");
        for number in &bounded.best {
            assert!(value(&without(&bounded.best, *number)) < value(&bounded.best));
        }
        assert!(bounded.certain && bounded.search == Search::Bounded);
        let values = |found: &Found, terms: &Terms| -> Vec<f64> {
            frontier(terms, &found.judged).iter().map(|set| value(set)).collect()
        };
        let all = terms(&costs, 1000, usize::MAX);
        let whole = found_all(&all, value);
        if bounded.frontier_certain {
            assert_eq!(values(&bounded, &all), values(&whole, &all), "case {case}");
        }
    }
}

fn found_all(terms: &Terms, value: impl Fn(&[usize]) -> f64) -> Found {
    found(terms.clone(), worth(value))
}

#[test]
fn two_that_only_help_together_are_found() {
    let value = |set: &[usize]| if set.starts_with(&[0, 1]) { 100.0 } else { set.len() as f64 };
    for every_up_to in [0, 1000] {
        let found = found(terms(&[5, 5, 1, 1], 10, every_up_to), worth(value));
        assert_eq!(found.best, [0, 1]);
    }
}

#[test]
fn three_that_only_help_together_are_found() {
    let value = |set: &[usize]| {
        let three = [2, 4, 5].iter().all(|number| set.contains(number));
        set.len() as f64 + if three { 100.0 } else { 0.0 }
    };
    let found = found(terms(&[3; 9], 9, 0), worth(value));
    assert_eq!((found.best, found.search), (vec![2, 4, 5], Search::Bounded));
}

#[test]
fn what_may_not_be_proposed_is_not_and_its_company_may_be() {
    let judge = |set: &[usize]| -> Asked {
        let harmful = set.contains(&0) && !set.contains(&1);
        Ok(Some(Judged { value: set.len() as f64 * 10.0, allowed: !harmful }))
    };
    let alone = found(terms(&[1, 9], 5, 0), judge);
    assert!(alone.best.is_empty());
    assert_eq!(found(terms(&[1, 4], 5, 0), judge).best, [0, 1]);
}

#[test]
fn sets_that_cannot_be_had_are_left_out() {
    let judge = |set: &[usize]| -> Asked {
        let clash = set.contains(&0) && set.contains(&1);
        Ok((!clash).then_some(Judged { value: set.len() as f64, allowed: true }))
    };
    for every_up_to in [0, 1000] {
        let found = found(terms(&[1; 4], 10, every_up_to), judge);
        assert_eq!(found.best, [0, 2, 3]);
    }
}

#[test]
fn many_fixes_are_swapped_to_a_good_set() {
    // Twenty fixes: the ratio takes the small ones, a swap is needed.
    let mut costs = vec![6, 5, 5];
    costs.extend([20; 17]);
    let mut values = vec![60.0, 48.0, 47.0];
    values.extend([30.0; 17]);
    let sum = |set: &[usize]| set.iter().map(|n| values[*n]).sum::<f64>();
    let found = found(terms(&costs, 10, 0), worth(sum));
    assert_eq!((found.best, found.search), (vec![1, 2], Search::Greedy));
}

//! A failing history made smaller: fewer kinds of faults and less time, as long as the same checker
//! fails. Other seeds are tried for each smaller plan, since it tells another history.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::world::{BadDay, Plan};

/// Other seeds that are tried for each smaller plan.
const SEEDS_MAX: u64 = 30;
/// Less time than this is not tried, in virtual milliseconds.
const FAULTS_MS_MIN: u64 = 500;

/// The smallest plan that was found for a failure of this checker.
pub fn shrunk(plan: &Plan, checker: &str) -> Plan {
    let mut smallest = plan.clone();
    while let Some(smaller) = smaller(&smallest).find_map(|plan| failing(&plan, checker)) {
        smallest = smaller;
    }
    smallest
}

/// Plans that leave out one thing more: all faults but crashes and cuts, then one kind after
/// another, then half of the time, then a quarter of it.
fn smaller(plan: &Plan) -> impl Iterator<Item = Plan> + use<> {
    let plan = plan.clone();
    let left = BadDay::ALL
        .into_iter()
        .filter(|day| !plan.without.contains(day));
    let left: Vec<BadDay> = left.collect();
    let without = |days: &[BadDay]| Plan {
        without: plan.without.iter().chain(days).copied().collect(),
        ..plan.clone()
    };
    let mut plans = Vec::new();
    if left.len() > 1 {
        plans.push(without(&left));
    }
    plans.extend(left.iter().map(|day| without(&[*day])));
    let shorter = [plan.faults_ms / 2, plan.faults_ms * 3 / 4].into_iter();
    let shorter = shorter.filter(|faults_ms| *faults_ms >= FAULTS_MS_MIN);
    plans.extend(shorter.map(|faults_ms| Plan {
        faults_ms,
        ..plan.clone()
    }));
    plans.into_iter()
}

/// The plan, or the same with another seed, where the checker fails.
fn failing(plan: &Plan, checker: &str) -> Option<Plan> {
    let seeds = std::iter::once(plan.seed).chain(1..=SEEDS_MAX);
    let mut plans = seeds.map(|seed| Plan {
        seed,
        ..plan.clone()
    });
    plans.find(|plan| {
        let run = catch_unwind(AssertUnwindSafe(|| plan.run(false).result));
        matches!(run, Ok(Err(failure)) if failure.checker == checker)
    })
}

//! Proof that the checkers see: each bug of `driftless_sync::planted` has to be found by the
//! checker that is meant for it. What else finds it is told, and not asked for.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use driftless_sync::planted::{Bug, plant};

use crate::world::Plan;

/// How a bug was found.
#[derive(Debug)]
struct Found {
    bug: Bug,
    checker: &'static str,
    /// The first seed in which the checker that is meant found it.
    seed: Option<u64>,
    /// How often others did before.
    others: BTreeMap<String, u64>,
}

/// The checker that is meant for a bug.
fn meant_for(bug: Bug) -> &'static str {
    match bug {
        Bug::SkipLedger | Bug::CommitWithoutLedger | Bug::NeverLook | Bug::KeepFormerClients => {
            "once"
        }
        Bug::AcknowledgeBeforeCommit | Bug::NeverOffer => "durable",
        Bug::IgnoreCheck | Bug::CommitWithoutRecord | Bug::StoreHalf => "converge",
        Bug::HalfDelta | Bug::ForgetRemovals => "same",
        Bug::NothingIsStale
        | Bug::RemovalSeesAll
        | Bug::UndoSeesAll
        | Bug::SeenAtTheEnd
        | Bug::VouchForSkipped
        | Bug::ForgetFormerNames
        | Bug::KeepSeen => "seen",
        Bug::SkipVersion | Bug::BreakCheck => "ordered",
        Bug::KeepFollowing | Bug::KeepCopy => "access",
        Bug::IgnoreOwner | Bug::IgnoreToken => "author",
        Bug::NeverPublish | Bug::NeverResume => "live",
        Bug::SaidSavedTooEarly | Bug::JoinUnsaved | Bug::OverwriteEntries => "honest",
        Bug::SendBeforeSaved | Bug::ReuseSeq | Bug::UnsealOnRetry | Bug::SquashSealed => "final",
        Bug::DropRejected | Bug::DropWaiting | Bug::IgnoreTerm => "accounted",
        Bug::HalfOverlay | Bug::ShowSetAside => "view",
        Bug::HalfEvent => "atomic",
        Bug::TwoTransactions => "bounded",
        Bug::JoinBelow => "meant",
    }
}

/// Plants every bug, one after another, or the one of a name; each is given up after so many seeds
/// without the checker that is meant. Answers whether all were found.
pub fn prove(only: Option<&str>, seeds_max: u64, threads: u64) -> bool {
    // A planted bug may trip an assertion of the machines: that is a find, and no news.
    std::panic::set_hook(Box::new(|_| {}));
    let is_chosen = |bug: &Bug| only.is_none_or(|only| format!("{bug:?}") == only);
    let bugs: Vec<Bug> = Bug::ALL.iter().copied().filter(is_chosen).collect();
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(bug) = bugs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let one = find(*bug, seeds_max);
                    println!("{one}");
                    found
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(one);
                }
            });
        }
    });
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let missed = found.iter().filter(|one| one.seed.is_none()).count();
    println!(
        "{} bugs planted, {missed} not found by the checker meant",
        found.len()
    );
    missed == 0 && !found.is_empty()
}

/// Plants a bug by its name in all that this thread runs; says whether there is one.
pub fn plant_here(name: &str) -> bool {
    let bug = Bug::ALL.iter().find(|bug| format!("{bug:?}") == name);
    plant(bug.copied());
    bug.is_some()
}

/// Some rules are those of several tabs.
fn plan(bug: Bug, seed: u64) -> Plan {
    Plan {
        has_tabs: matches!(bug, Bug::IgnoreTerm | Bug::OverwriteEntries),
        ..Plan::of(seed)
    }
}

fn find(bug: Bug, seeds_max: u64) -> Found {
    plant(Some(bug));
    let checker = meant_for(bug);
    let mut others = BTreeMap::new();
    let is_found = |seed: &u64| {
        let result = catch_unwind(AssertUnwindSafe(|| plan(bug, *seed).run(false).result));
        let by = match result {
            Ok(Ok(())) => return false,
            Ok(Err(failure)) => failure.checker,
            Err(_) => "an assertion",
        };
        if by != checker {
            *others.entry(by.to_owned()).or_default() += 1;
        }
        by == checker
    };
    let seed = (1..=seeds_max).find(is_found);
    plant(None);
    Found {
        bug,
        checker,
        seed,
        others,
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = format!("{:?}", self.bug);
        match self.seed {
            Some(seed) => write!(formatter, "{name:<24} {:<10} seed {seed}", self.checker)?,
            None => write!(formatter, "{name:<24} {:<10} NOT FOUND", self.checker)?,
        }
        for (other, count) in &self.others {
            write!(formatter, "; {other} {count} times")?;
        }
        Ok(())
    }
}

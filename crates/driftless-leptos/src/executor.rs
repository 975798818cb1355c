//! Runs effects so that none outlives the view that it belongs to.
//!
//! Leptos ends the effects of a view that goes by waking them once more; those of the views inside
//! it go only when that turn has come (leptos-rs/leptos#3922). In a plain queue an inner effect
//! that was woken before is reached first, reads signals that went with its view, and panics. Here
//! the tasks that a task wakes, or makes, have their turn right after it, ahead of those that wait.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use any_spawner::{CustomExecutor, Executor, PinnedFuture, PinnedLocalFuture};

/// Makes this the executor of the page. Call it before anything is mounted; once another executor
/// is set, by mounting or by an earlier call, it changes nothing.
pub fn start() {
    // The only error says that there is one already.
    let _ = Executor::init_local_custom_executor(InOrder);
}

struct InOrder;

impl CustomExecutor for InOrder {
    fn spawn(&self, future: PinnedFuture<()>) {
        add(future);
    }

    fn spawn_local(&self, future: PinnedLocalFuture<()>) {
        add(future);
    }

    fn poll_local(&self) {
        run();
    }
}

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// A place for a task. What wakes a task knows its place only, so a late wake may reach the task
/// that has the place by then: it is polled once in vain.
enum Slot {
    Free,
    /// The task is out of its place while it runs.
    Running,
    Waiting(Task),
}

#[derive(Default)]
struct Tasks {
    slots: Vec<Slot>,
    free: Vec<usize>,
    ready: VecDeque<usize>,
    /// What the running task woke or made, oldest first.
    woken: Vec<usize>,
    running: Option<usize>,
    is_turn_asked_for: bool,
}

thread_local! {
    static TASKS: RefCell<Tasks> = RefCell::default();
}

impl Tasks {
    fn place(&mut self, task: Task) -> usize {
        let slot = Slot::Waiting(task);
        if let Some(place) = self.free.pop() {
            self.slots[place] = slot;
            return place;
        }
        self.slots.push(slot);
        self.slots.len() - 1
    }

    /// Whether a turn has to be asked for.
    fn wake(&mut self, place: usize) -> bool {
        if self.running.is_some_and(|running| running != place) {
            self.woken.push(place);
            return false;
        }
        // A task that wakes itself gives way to all others.
        self.ready.push_back(place);
        self.running.is_none() && !mem::replace(&mut self.is_turn_asked_for, true)
    }

    /// The next task and its place.
    fn take(&mut self) -> Option<(usize, Task)> {
        loop {
            let place = self.ready.pop_front()?;
            // One that was woken twice, or has ended, is passed over.
            if let Slot::Waiting(_) = self.slots[place]
                && let Slot::Waiting(task) = mem::replace(&mut self.slots[place], Slot::Running)
            {
                self.running = Some(place);
                return Some((place, task));
            }
        }
    }

    /// Back to its place, or gone.
    fn put(&mut self, place: usize, task: Option<Task>) {
        self.slots[place] = match task {
            Some(task) => Slot::Waiting(task),
            None => Slot::Free,
        };
        if let Slot::Free = self.slots[place] {
            self.free.push(place);
        }
        self.running = None;
        for woken in self.woken.drain(..).rev() {
            self.ready.push_front(woken);
        }
    }
}

struct Place(usize);

impl Wake for Place {
    fn wake(self: Arc<Self>) {
        wake(self.0);
    }
}

fn add(task: Task) {
    let place = TASKS.with_borrow_mut(|tasks| tasks.place(task));
    wake(place);
}

fn wake(place: usize) {
    if TASKS.with_borrow_mut(|tasks| tasks.wake(place)) {
        ask_for_turn();
    }
}

#[cfg(target_arch = "wasm32")]
fn ask_for_turn() {
    wasm_bindgen_futures::spawn_local(async { run() });
}

/// Outside a browser whoever waits polls.
#[cfg(not(target_arch = "wasm32"))]
fn ask_for_turn() {}

/// Runs until nothing is ready.
fn run() {
    while let Some((place, mut task)) = TASKS.with_borrow_mut(Tasks::take) {
        let waker = Waker::from(Arc::new(Place(place)));
        let state = task.as_mut().poll(&mut Context::from_waker(&waker));
        // One that has ended is dropped while it still counts as running: what it held ends then,
        // and that has its turn next.
        let task = match state {
            Poll::Pending => Some(task),
            Poll::Ready(()) => {
                drop(task);
                None
            }
        };
        TASKS.with_borrow_mut(|tasks| tasks.put(place, task));
    }
    TASKS.with_borrow_mut(|tasks| tasks.is_turn_asked_for = false);
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures::channel::oneshot;
    use leptos::prelude::*;
    use leptos::reactive::effect::RenderEffect;

    use super::*;

    type Log = Arc<Mutex<Vec<&'static str>>>;

    fn note(log: &Log, text: &'static str) {
        log.lock().expect("not poisoned").push(text);
    }

    fn noted(log: &Log) -> Vec<&'static str> {
        mem::take(&mut log.lock().expect("not poisoned"))
    }

    /// An effect in an effect in an effect, as a view in a view in a view has them. The inmost
    /// reads a signal that lives on through a handle that goes with the view in the middle.
    fn nested(log: &Log, is_shown: ArcRwSignal<bool>, value: ArcRwSignal<u32>) -> impl Sized {
        let log = Arc::clone(log);
        RenderEffect::new(move |_: Option<Option<RenderEffect<_>>>| {
            note(&log, "outer");
            let (log, value) = (Arc::clone(&log), value.clone());
            is_shown.get().then(|| {
                let handle: Signal<u32> = value.into();
                RenderEffect::new(move |_: Option<RenderEffect<()>>| {
                    note(&log, "middle");
                    let log = Arc::clone(&log);
                    RenderEffect::new(move |_| {
                        note(&log, "inner");
                        assert!(handle.try_get().is_some(), "it went with its view");
                    })
                })
            })
        })
    }

    #[test]
    fn an_effect_whose_view_goes_in_the_same_turn_does_not_run() {
        start();
        let log = Log::default();
        let owner = Owner::new();
        owner.set();
        let (is_shown, value) = (ArcRwSignal::new(true), ArcRwSignal::new(1));
        let kept = nested(&log, is_shown.clone(), value.clone());
        Executor::poll_local();
        assert_eq!(noted(&log), ["outer", "middle", "inner"]);
        value.set(2);
        Executor::poll_local();
        assert_eq!(noted(&log), ["inner"]);
        is_shown.set(false);
        value.set(3);
        Executor::poll_local();
        assert_eq!(noted(&log), ["outer"]);
        drop(kept);
    }

    #[test]
    fn what_a_task_wakes_or_makes_is_next_and_a_task_that_wakes_itself_is_last() {
        start();
        let log = Log::default();
        let (told, tell) = (Arc::clone(&log), Arc::clone(&log));
        let (wake_it, woken) = oneshot::channel::<()>();
        Executor::spawn_local(async move {
            let _ = woken.await;
            note(&told, "woken");
        });
        Executor::poll_local();
        Executor::spawn_local(async move {
            note(&tell, "first");
            let made = Arc::clone(&tell);
            Executor::spawn_local(async move { note(&made, "made") });
            let _ = wake_it.send(());
            yield_once().await;
            note(&tell, "again");
        });
        let waiting = Arc::clone(&log);
        Executor::spawn_local(async move { note(&waiting, "waiting") });
        Executor::poll_local();
        let order = ["first", "made", "woken", "waiting", "again"];
        assert_eq!(noted(&log), order);
        TASKS.with_borrow(|tasks| assert_eq!(tasks.free.len(), tasks.slots.len(), "all ended"));
    }

    fn yield_once() -> impl Future<Output = ()> {
        let mut is_done = false;
        std::future::poll_fn(move |context| {
            if mem::replace(&mut is_done, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
    }
}

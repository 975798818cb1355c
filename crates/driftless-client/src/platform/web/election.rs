//! Which tab of a replica leads: the one that has a lock of the browser's. Others queue for it. It
//! goes to the next when its page is gone, and to whoever steals it from a page that is silent.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures::channel::mpsc::UnboundedSender;
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::AbortController;

use super::{tell, window};
use crate::platform::Signal;

/// A place in the queue for the lock. Dropping it gives the lock up, or the place.
pub(super) struct Election {
    queue: Rc<Queue>,
}

/// The interface is called by name: web-sys hides it behind an unstable flag that every adopter
/// would have to set.
struct Queue {
    locks: JsValue,
    name: String,
    signals: UnboundedSender<Signal>,
    /// How often this tab got the lock: what is said of an earlier time does not matter any more.
    grants: Cell<u32>,
    /// Lets go of the lock; absent while nothing is held.
    release: RefCell<Option<Function>>,
    is_over: Cell<bool>,
    /// Takes back a request that waits.
    withdrawal: AbortController,
}

impl Election {
    /// Queues for the lock of a name. Nothing where the browser has no locks: on plain http.
    pub(super) fn join(name: &str, signals: &UnboundedSender<Signal>) -> Option<Self> {
        let locks = Reflect::get(&window().navigator(), &"locks".into());
        let queue = Rc::new(Queue {
            locks: locks.ok().filter(JsValue::is_truthy)?,
            name: name.to_owned(),
            signals: signals.clone(),
            grants: Cell::new(0),
            release: RefCell::default(),
            is_over: Cell::new(false),
            withdrawal: AbortController::new().ok()?,
        });
        spawn_local(Rc::clone(&queue).stand(false));
        Some(Self { queue })
    }

    /// Takes the lock from whoever has it. The place in the queue stays: it counts when somebody
    /// else has stolen it back and is gone.
    pub(super) fn steal(&self) {
        spawn_local(Rc::clone(&self.queue).stand(true));
    }
}

impl Drop for Election {
    fn drop(&mut self) {
        self.queue.is_over.set(true);
        self.queue.withdrawal.abort();
        self.queue.let_go();
    }
}

impl Queue {
    /// Gets the lock, keeps it until it is stolen, and queues again.
    async fn stand(self: Rc<Self>, is_theft: bool) {
        loop {
            let grant = Rc::new(Cell::new(0));
            let Ok(held) = self.request(is_theft, &grant) else {
                return;
            };
            // It ends with an error where the lock is stolen, or is refused at once, or the request
            // is taken back.
            let _ = JsFuture::from(held).await;
            if grant.get() == 0 || self.is_over.get() {
                return;
            }
            if grant.get() == self.grants.get() {
                tell(&self.signals, Signal::Deposed);
            }
            if is_theft {
                return;
            }
        }
    }

    fn request(self: &Rc<Self>, is_theft: bool, grant: &Rc<Cell<u32>>) -> Result<Promise, JsValue> {
        let options = Object::new();
        if is_theft {
            // It waits for nobody: browsers refuse one that could be taken back.
            Reflect::set(&options, &"steal".into(), &true.into())?;
        } else {
            Reflect::set(&options, &"signal".into(), &self.withdrawal.signal())?;
        }
        let (queue, grant) = (Rc::clone(self), Rc::clone(grant));
        let granted = Closure::once_into_js(move || queue.granted(&grant));
        let request: Function = Reflect::get(&self.locks, &"request".into())?.dyn_into()?;
        let name = JsValue::from_str(&self.name);
        let held = request.call3(&self.locks, &name, &options, &granted)?;
        Ok(held.unchecked_into())
    }

    /// The lock is this tab's for as long as the answer is not resolved.
    fn granted(&self, grant: &Cell<u32>) -> JsValue {
        if self.is_over.get() {
            return JsValue::UNDEFINED;
        }
        self.grants.set(self.grants.get() + 1);
        grant.set(self.grants.get());
        let held = Promise::new(&mut |resolve, _| {
            self.release.replace(Some(resolve));
        });
        tell(&self.signals, Signal::Elected);
        held.into()
    }

    fn let_go(&self) {
        if let Some(release) = self.release.take() {
            // A promise's own function does not fail.
            let _ = release.call0(&JsValue::UNDEFINED);
        }
    }
}

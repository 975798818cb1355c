//! One connection to a database, and the two ways in which a browser takes it away.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use futures::channel::oneshot;
use futures::future::{Either, select};
use js_sys::{Math, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    IdbDatabase, IdbFactory, IdbObjectStore, IdbOpenDbRequest, IdbTransaction, IdbTransactionMode,
    IdbVersionChangeEvent,
};

use super::request::Answer;
use super::{DEVICE, ROWS, failed, refused};
use crate::replica::ReplicaStoreError;

/// The version of the database's layout, which is apart from the format of its rows.
const LAYOUT: u32 = 2;

/// The key of a number that every database gets when it is made: whether it is still the same.
const BORN: &str = "born";

/// The browser's databases: of a page or of a worker.
pub(super) fn factory() -> Result<IdbFactory, ReplicaStoreError> {
    let factory = Reflect::get(&js_sys::global(), &"indexedDB".into());
    let factory = factory.map_err(|error| refused(&error))?;
    if factory.is_falsy() {
        let detail = "this browser has no IndexedDB".to_owned();
        return Err(ReplicaStoreError::Refused { detail });
    }
    Ok(factory.unchecked_into())
}

/// A connection that is being opened.
pub(super) struct Opening {
    connection: Answer,
    /// Resolves when an older layout is in use, once.
    blocked: Option<oneshot::Receiver<()>>,
    request: IdbOpenDbRequest,
    _upgrade: Closure<dyn FnMut(IdbVersionChangeEvent)>,
    _block: Closure<dyn FnMut()>,
}

impl Opening {
    /// Opens the database; makes it where there is none.
    pub(super) fn begin(name: &str) -> Result<Self, ReplicaStoreError> {
        let request = factory()?.open_with_u32(name, LAYOUT);
        let request = request.map_err(|error| failed(&error))?;
        let opened = request.clone();
        let upgrade = Closure::new(move |event: IdbVersionChangeEvent| {
            // An error surfaces as a failed open.
            let _ = create(&opened, &event);
        });
        request.set_onupgradeneeded(Some(upgrade.as_ref().unchecked_ref()));
        let (sender, blocked) = oneshot::channel();
        let sender = Cell::new(Some(sender));
        let block = Closure::new(move || {
            // Once is enough. It may have been opened by now.
            let _ = sender.take().map(|sender| sender.send(()));
        });
        request.set_onblocked(Some(block.as_ref().unchecked_ref()));
        Ok(Self {
            connection: Answer::to(&request),
            blocked: Some(blocked),
            request,
            _upgrade: upgrade,
            _block: block,
        })
    }

    /// The connection; or nothing, once, where it has to wait until others let go of an older
    /// layout. The browser goes on with it by itself then: a second call waits for that.
    pub(super) async fn connection(&mut self) -> Option<Result<OpenDatabase, ReplicaStoreError>> {
        let connection = match self.blocked.take() {
            None => (&mut self.connection).await,
            Some(blocked) => match select(&mut self.connection, blocked).await {
                Either::Left((connection, _)) => connection,
                Either::Right((Ok(()), _)) => return None,
                Either::Right((Err(_), connection)) => connection.await,
            },
        };
        Some(OpenDatabase::of(connection).await)
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.request.set_onupgradeneeded(None);
        self.request.set_onblocked(None);
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Opening")
    }
}

/// An open connection.
#[derive(Debug)]
pub(super) struct OpenDatabase {
    database: IdbDatabase,
    is_closed: Rc<Cell<bool>>,
    _step_aside: Closure<dyn FnMut()>,
    /// Tells it from one that was made after it was deleted.
    pub(super) born: f64,
}

impl OpenDatabase {
    async fn of(connection: Result<JsValue, JsValue>) -> Result<Self, ReplicaStoreError> {
        let database = connection.map_err(|error| match failed(&error) {
            // The browser gave up making it, and does not say why: there is one reason.
            ReplicaStoreError::Failed { detail } if detail.starts_with("AbortError") => {
                ReplicaStoreError::Full { detail }
            }
            failed => failed,
        })?;
        let mut open = Self::watch(database.unchecked_into());
        let born = open.read_born().await.map_err(|error| failed(&error))?;
        open.born = born.as_f64().unwrap_or_default();
        Ok(open)
    }

    async fn read_born(&self) -> Result<JsValue, JsValue> {
        let (_, device) = self.store(DEVICE, IdbTransactionMode::Readonly)?;
        Answer::to(&device.get(&BORN.into())?).await
    }

    /// Steps aside when another tab deletes the database or brings a new layout, so that nobody
    /// blocks; and notices when the browser closes the connection.
    fn watch(database: IdbDatabase) -> Self {
        let is_closed = Rc::new(Cell::new(false));
        let (closing, closed) = (database.clone(), Rc::clone(&is_closed));
        let step_aside = Closure::new(move || {
            // It does nothing to a connection that the browser has closed.
            closing.close();
            closed.set(true);
        });
        let callback = Some(step_aside.as_ref().unchecked_ref());
        database.set_onversionchange(callback);
        database.set_onclose(callback);
        Self {
            database,
            is_closed,
            _step_aside: step_aside,
            born: 0.0,
        }
    }

    /// Whether it was taken away.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    /// The browser's own object.
    pub(super) fn database(&self) -> &IdbDatabase {
        &self.database
    }

    /// A new transaction on one object store.
    pub(super) fn store(
        &self,
        name: &str,
        mode: IdbTransactionMode,
    ) -> Result<(IdbTransaction, IdbObjectStore), JsValue> {
        let transaction = self.database.transaction_with_str_and_mode(name, mode)?;
        let store = transaction.object_store(name)?;
        Ok((transaction, store))
    }
}

impl Drop for OpenDatabase {
    fn drop(&mut self) {
        self.database.set_onversionchange(None);
        self.database.set_onclose(None);
        self.database.close();
    }
}

fn create(request: &IdbOpenDbRequest, event: &IdbVersionChangeEvent) -> Result<(), JsValue> {
    let database: IdbDatabase = request.result()?.unchecked_into();
    // From nothing: versions are whole numbers.
    if event.old_version() < 1.0 {
        database.create_object_store(ROWS)?;
    }
    let device = database.create_object_store(DEVICE)?;
    device.put_with_key(&Math::random().into(), &BORN.into())?;
    Ok(())
}

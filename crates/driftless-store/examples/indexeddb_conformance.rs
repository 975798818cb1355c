//! A page that runs the conformance suite against the browser's `IndexedDB`, and writes what it
//! found into its body: a line for each case, and `N passed, N failed` at the end. The document's
//! title becomes `done` then.
//!
//! It is built for `wasm32-unknown-unknown`, with the feature `indexeddb`, and loaded by a browser
//! test. Elsewhere it does nothing.

fn main() {
    #[cfg(all(target_arch = "wasm32", feature = "indexeddb"))]
    wasm_bindgen_futures::spawn_local(page::run());
}

#[cfg(all(target_arch = "wasm32", feature = "indexeddb"))]
mod page {
    use driftless_store::replica::conformance::{self, Failure};
    use driftless_store::replica::{IndexedDbRows, Lease, ReplicaStore, ReplicaStoreError};
    use driftless_sync::replica::storage::Transaction;

    pub async fn run() {
        let mut failures = 0;
        let cases = conformance::cases();
        let mut total = cases.len();
        for (number, case) in cases.into_iter().enumerate() {
            let outcome = run_case(number, case).await;
            failures += report(case.name, outcome.map_err(|failure| failure.detail));
        }
        total += 2;
        let name = "deleting the database does not wait for those who have it open, and is noticed";
        failures += report(name, deletes_under_an_open_store().await);
        let name = "a lease is read and changed in one step, by every store of the namespace";
        failures += report(name, changes_a_lease().await);
        write(&format!("{} passed, {failures} failed", total - failures));
        document().set_title("done");
    }

    async fn run_case(number: usize, case: conformance::Case) -> Result<(), Failure> {
        let namespace = format!("conformance-{number}");
        let failure = |error: ReplicaStoreError| Failure {
            case: case.name,
            detail: error.to_string(),
        };
        IndexedDbRows::delete(&namespace).await.map_err(failure)?;
        case.run(|| std::future::ready(Ok(IndexedDbRows::new(&namespace))))
            .await
    }

    async fn deletes_under_an_open_store() -> Result<(), String> {
        let namespace = "conformance-delete";
        let text = |error: ReplicaStoreError| error.to_string();
        let store = IndexedDbRows::new(namespace);
        store.load().await.map_err(text)?;
        IndexedDbRows::delete(namespace).await.map_err(text)?;
        match store.commit(Transaction::default()).await {
            Err(ReplicaStoreError::Cleared) => {}
            other => return Err(format!("it noticed nothing: {other:?}")),
        }
        let fresh = IndexedDbRows::new(namespace);
        fresh.load().await.map(|_| ()).map_err(text)
    }

    async fn changes_a_lease() -> Result<(), String> {
        let namespace = "conformance-lease";
        let text = |error: ReplicaStoreError| error.to_string();
        IndexedDbRows::delete(namespace).await.map_err(text)?;
        let lease = |holder| Lease {
            holder,
            ends_ms: 7.0,
        };
        let (one, two) = (IndexedDbRows::new(namespace), IndexedDbRows::new(namespace));
        let free = |found: Option<Lease>| found.is_none().then(|| lease(0.25));
        let taken = one.change_lease(free).await.map_err(text)?;
        let refused = two.change_lease(free).await.map_err(text)?;
        let stolen = two.change_lease(|_| Some(lease(0.5))).await.map_err(text)?;
        let seen = one.change_lease(|_| None).await.map_err(text)?;
        if [taken, refused] != [Some(lease(0.25)); 2] || [stolen, seen] != [Some(lease(0.5)); 2] {
            return Err(format!("{taken:?} {refused:?} {stolen:?} {seen:?}"));
        }
        Ok(())
    }

    fn report(name: &str, outcome: Result<(), String>) -> usize {
        match outcome {
            Ok(()) => write(&format!("ok {name}")),
            Err(detail) => {
                write(&format!("FAILED {name}: {detail}"));
                return 1;
            }
        }
        0
    }

    fn write(line: &str) {
        let document = document();
        let body = document.body().expect("the page has a body");
        let paragraph = document
            .create_element("p")
            .expect("a paragraph can be made");
        paragraph.set_text_content(Some(line));
        body.append_child(&paragraph)
            .expect("the body takes a paragraph");
    }

    fn document() -> web_sys::Document {
        let window = web_sys::window().expect("a page has a window");
        window.document().expect("a page has a document")
    }
}

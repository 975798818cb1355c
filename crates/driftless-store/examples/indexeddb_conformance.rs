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
    use driftless_store::replica::{IndexedDbRows, ReplicaStore, ReplicaStoreError};
    use driftless_sync::replica::storage::{Committed, Transaction};

    pub async fn run() {
        let mut failures = 0;
        let cases = conformance::cases();
        let mut total = cases.len();
        for (number, case) in cases.into_iter().enumerate() {
            let outcome = run_case(number, case).await;
            failures += report(case.name, outcome.map_err(|failure| failure.detail));
        }
        total += 1;
        let name = "deleting the database does not wait for those who have it open";
        failures += report(name, deletes_under_an_open_store().await);
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
        let committed = store.commit(Transaction::default()).await.map_err(text)?;
        if committed == Committed::Yes {
            Ok(())
        } else {
            Err("the store did not open again".to_owned())
        }
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

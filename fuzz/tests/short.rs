//! The short run: each target over its corpus and over seeded mutations of it.

use std::fs;
use std::path::PathBuf;

use driftless_fuzz::mutation::inputs;
use driftless_fuzz::targets::{ALL, Target};

fn corpus_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = corpus_folder().join(name);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("corpus/{name}: {error}"));
    let mut paths: Vec<_> = files
        .map(|file| file.expect("is readable").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "corpus/{name} is empty");
    paths
        .into_iter()
        .map(|path| fs::read(path).expect("is readable"))
        .collect()
}

/// Where an input breaks a promise, the target's panic says which, and this says which input.
struct Input<'a>(&'a str, &'a [u8]);

impl Drop for Input<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!(
                "the input of {} was, in hexadecimal: {:02x?}",
                self.0, self.1
            );
        }
    }
}

fn run(name: &str, mutations: usize) {
    let target = Target::find(name).expect("is a target");
    let corpus = corpus(name);
    let mutated = inputs(0x0dd_5eed, &corpus, mutations);
    for bytes in corpus.iter().cloned().chain(mutated) {
        let input = Input(name, &bytes);
        (target.run)(&bytes);
        drop(input);
    }
}

macro_rules! short {
    ($($(#[$doc:meta])* $test:ident: $name:literal, $mutations:literal;)*) => {
        $($(#[$doc])* #[test] fn $test() { run($name, $mutations); })*

        #[test]
        fn every_target_has_a_short_run_and_a_corpus() {
            let mut named = vec![$($name),*];
            named.sort_unstable();
            let mut targets: Vec<_> = ALL.iter().map(|target| target.name).collect();
            targets.sort_unstable();
            assert_eq!(named, targets);
            let folders = fs::read_dir(corpus_folder()).expect("there is a corpus");
            let name = |folder: std::io::Result<fs::DirEntry>| {
                folder.expect("is readable").file_name().into_string().expect("is text")
            };
            let mut folders: Vec<_> = folders.map(name).collect();
            folders.sort_unstable();
            assert_eq!(folders, targets);
        }
    };
}

short! {
    any_json_is_a_clients_message_or_refused: "client_json", 2_000;
    any_messagepack_is_a_clients_message_or_refused: "client_msgpack", 2_000;
    clients_messages_mean_the_same_in_both_encodings: "client_message", 1_000;
    any_json_is_a_servers_message_or_refused: "server_json", 2_000;
    any_messagepack_is_a_servers_message_or_refused: "server_msgpack", 2_000;
    servers_messages_mean_the_same_in_both_encodings: "server_message", 1_000;
    anything_told_by_a_tab_is_read_or_refused: "tab_message", 2_000;
    any_payload_is_an_edit_or_refused: "payload", 2_000;
    any_stored_row_is_read_or_refused: "row", 2_000;
    any_column_is_read_or_refused: "columns", 2_000;
    any_packed_samples_are_read_or_refused: "packed", 2_000;
    any_packed_history_is_read_or_refused: "chunks", 2_000;
    any_push_in_json_is_read_or_refused: "push_json", 2_000;
    any_push_in_line_protocol_is_read_or_refused: "push_influx", 2_000;
    any_push_in_prometheus_text_is_read_or_refused: "push_prometheus", 2_000;
    any_selector_is_read_or_refused: "selector", 4_000;
    any_value_is_read_or_refused: "value", 2_000;
    any_name_is_taken_or_refused: "names", 4_000;
    no_history_makes_a_room_panic_grow_or_wait_for_ever: "room", 400;
    no_history_makes_a_replica_panic_grow_or_send_what_is_not_stored: "replica", 400;
}

//! A process that is killed at any moment loses nothing that it said was saved, and doubles
//! nothing.

use std::collections::BTreeSet;
use std::env;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use driftless_client::Client;
use driftless_model::{RecordId, Value, Version};
use driftless_store::replica::Redb;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::world::{Person, Server, home, title};

/// Names the replica's file to the process that is killed.
const FILE: &str = "DRIFTLESS_KILLED_FILE";
/// Names the server to it; without it, the process works offline.
const URL: &str = "DRIFTLESS_KILLED_URL";
/// The number of its first edit.
const FIRST: &str = "DRIFTLESS_KILLED_FIRST";
/// What it says of an edit that is saved.
const SAVED: &str = "saved n";
/// It is killed once it said so as often, at most.
const EDITS_MAX: u64 = 40;
const ROUNDS: u64 = 12;

/// Whole numbers that look random: what is done when is repeated by a seed, how threads run is not.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % end
    }
}

#[tokio::test]
async fn a_process_that_is_killed_has_what_it_saved_and_nothing_twice() {
    if let Some(file) = env::var_os(FILE) {
        return edit_until_killed(Path::new(&file)).await;
    }
    let seed = RandomState::new().hash_one(0);
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let server = Server::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("replica.redb");
    let mut saved = BTreeSet::new();
    let mut next = 0;
    for round in 0..ROUNDS {
        let is_online = dice.below(2) == 0;
        let child = start(&file, is_online.then(|| server.url()), next);
        if round % 4 == 0 {
            // Perhaps while it makes the file, or opens it.
            tokio::time::sleep(Duration::from_millis(dice.below(60))).await;
            saved.extend(kill_after(child, 0).await);
        } else {
            saved.extend(kill_after(child, 1 + dice.below(EDITS_MAX)).await);
        }
        // More than were made: some were not saved, or not said to be.
        next += 10_000;
    }
    let storage = Redb::open(&file).expect("it is whole");
    let ann = Person::opens(server.client("Ann").storage(storage));
    ann.until(|ann| ann.board.is_loaded() && ann.client.status().pending == 0)
        .await;
    let records = ann.board.records();
    let there: BTreeSet<RecordId> = records.into_iter().map(|(record, _)| record).collect();
    assert!(
        saved.is_subset(&there),
        "lost: {:?}",
        saved.difference(&there)
    );
    // Each edit made one record, and took one version.
    assert_eq!(ann.board.version(), Version(there.len() as u64));
    let bob = Person::arrives(server.client("Bob")).await;
    Person::meet(&[&ann, &bob], there.len() as u64).await;
}

/// This test again, as a process that is to be killed.
fn start(file: &Path, url: Option<String>, first: u64) -> Child {
    let mut command = Command::new(env::current_exe().expect("it runs"));
    let name = "killed::a_process_that_is_killed_has_what_it_saved_and_nothing_twice";
    command
        .args(["--exact", name, "--nocapture"])
        .env(FILE, file)
        .env(FIRST, first.to_string())
        .envs(url.map(|url| (URL, url)))
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command.spawn().expect("it starts")
}

/// Kills a process once it said this often that an edit is saved; answers all that it said.
async fn kill_after(mut child: Child, edits: u64) -> Vec<RecordId> {
    let mut lines = BufReader::new(child.stdout.take().expect("is piped")).lines();
    let mut saved = Vec::new();
    let mut is_killed = false;
    loop {
        if !is_killed && saved.len() as u64 >= edits {
            child.start_kill().expect("it runs");
            is_killed = true;
        }
        // What it said before it died is in the pipe.
        match lines.next_line().await.expect("it speaks text") {
            Some(line) => {
                let number = line.split_once(SAVED).map(|(_, number)| number);
                saved.extend(number.map(record));
            }
            None => break,
        }
    }
    let status = child.wait().await.expect("it ended");
    // One that panicked has a code; one that was killed has none, on Unix.
    let has_ended = status.success() || cfg!(unix) && status.code().is_some();
    assert!(is_killed && !has_ended, "it ended by itself: {status}");
    saved
}

fn record(number: &str) -> RecordId {
    RecordId::new(format!("n{number}")).expect("an id")
}

async fn edit_until_killed(file: &Path) {
    let first = env::var(FIRST).ok().and_then(|first| first.parse().ok());
    let first: u64 = first.expect("a number");
    let url = env::var(URL).ok();
    let client = Client::builder(url.clone().unwrap_or_default())
        .token(Some("Ann".to_owned()))
        .auto_connect(url.is_some())
        .storage(Redb::open(file).expect("the file of a killed process is whole"))
        .start();
    let board = client.board(home());
    for number in first.. {
        let record = record(&number.to_string());
        let edit = board.edit("Add", |edit| {
            edit.create(&record, "note", [(title(), Value::from("new"))]);
        });
        edit.expect("a valid edit")
            .stored()
            .await
            .expect("it is saved");
        println!("{SAVED}{number}");
        std::io::stdout().flush().expect("somebody reads");
    }
}

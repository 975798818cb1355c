//! What the server's file says, and whether the writers' journals agree with it.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Result, bail, ensure};
use driftless_model::{BoardId, EditId, LeafPath, RecordId, Value, Version};
use driftless_store::server::{BoardStore as _, SqliteBoards};

use crate::journal::{Fate, Made};

/// Rows in one read.
const ROWS_MAX: usize = 10_000;

/// The applied edits of every board, as they were read from the file so far.
#[derive(Debug, Default)]
pub struct Book {
    boards: BTreeMap<BoardId, Page>,
}

/// One board's edits: the first made version 1.
#[derive(Debug, Default)]
struct Page {
    log: Vec<EditId>,
    ids: HashSet<EditId>,
}

/// How a journal adds up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    /// Edits that were made.
    pub made: usize,
    /// Those that are in the log.
    pub applied: usize,
    /// Those that wait for their writer, or were given up by them.
    pub set_aside: usize,
}

impl Book {
    /// Reads on in the log of each board: without a gap, and no edit twice.
    pub async fn read_on(&mut self, store: &SqliteBoards) -> Result<()> {
        for summary in store.boards().await? {
            let page = self.boards.entry(summary.board.clone()).or_default();
            while page.head() < summary.head.version {
                let rows = store.log(&summary.board, page.head(), ROWS_MAX).await?;
                ensure!(!rows.is_empty(), "{}: the log ends too soon", summary.board);
                for row in rows {
                    page.take(&summary.board, row.version, row.id)?;
                }
            }
            let (read, head) = (page.head(), summary.head.version);
            ensure!(
                read == head,
                "{}: back from {read:?} to {head:?}",
                summary.board
            );
        }
        Ok(())
    }

    /// Every edit whose acknowledgement a writer has seen is there, as that version.
    pub fn check_acknowledged(&self, board: &BoardId, journal: &[Made]) -> Result<()> {
        for made in journal {
            if let Fate::Acknowledged(version) = made.fate {
                let there = self.at(board, version);
                ensure!(
                    there == Some(made.id),
                    "LOST: {board} acknowledged {} as version {version:?}, and there is {there:?}",
                    made.id
                );
            }
        }
        Ok(())
    }

    /// Every edit of a finished journal is in the log, or `waits`, or was given up.
    pub fn account(
        &self,
        board: &BoardId,
        journal: &[Made],
        waits: &HashSet<EditId>,
    ) -> Result<Account> {
        self.check_acknowledged(board, journal)?;
        let mut account = Account {
            made: journal.len(),
            ..Account::default()
        };
        for made in journal {
            let is_applied = self.has(board, made.id);
            match made.fate {
                Fate::SetAside => {
                    let id = made.id;
                    ensure!(!is_applied, "{board}: {id} was set aside, and is applied");
                    account.set_aside += 1;
                }
                Fate::Acknowledged(_) => account.applied += 1,
                Fate::Unheard if is_applied => account.applied += 1,
                Fate::Unheard if waits.contains(&made.id) => account.set_aside += 1,
                Fate::Unheard | Fate::Waiting => {
                    let same = journal.iter().filter(|other| other.record == made.record);
                    let later: Vec<_> = same.skip_while(|other| other.id != made.id).collect();
                    bail!("LOST: {board} has nothing of the first of {later:?}");
                }
            }
        }
        Ok(account)
    }

    /// The title that a record of one writer has to have: that of its newest applied edit.
    pub fn title(&self, board: &BoardId, journal: &[Made], record: &RecordId) -> Option<String> {
        let own = journal.iter().filter(|made| made.record == *record);
        let applied = own.filter(|made| self.has(board, made.id));
        let newest = applied.max_by_key(|made| self.version(board, made.id));
        newest?.title.clone()
    }

    /// How many edits there are on all boards.
    pub fn edits(&self) -> usize {
        self.boards.values().map(|page| page.log.len()).sum()
    }

    /// The newest version of a board.
    pub fn head(&self, board: &BoardId) -> Version {
        self.boards.get(board).map_or(Version(0), Page::head)
    }

    fn at(&self, board: &BoardId, version: Version) -> Option<EditId> {
        let index = usize::try_from(version.0.checked_sub(1)?).ok()?;
        self.boards.get(board)?.log.get(index).copied()
    }

    fn has(&self, board: &BoardId, id: EditId) -> bool {
        let page = self.boards.get(board);
        page.is_some_and(|page| page.ids.contains(&id))
    }

    fn version(&self, board: &BoardId, id: EditId) -> Option<usize> {
        let page = self.boards.get(board)?;
        page.log.iter().position(|own| *own == id)
    }
}

impl Page {
    fn head(&self) -> Version {
        Version(self.log.len() as u64)
    }

    fn take(&mut self, board: &BoardId, version: Version, id: EditId) -> Result<()> {
        let next = self.log.len() as u64 + 1;
        ensure!(
            version.0 == next,
            "{board}: {version:?} comes after {}",
            next - 1
        );
        ensure!(
            self.ids.insert(id),
            "DOUBLED: {board}: {id} again as {version:?}"
        );
        self.log.push(id);
        Ok(())
    }
}

/// The title of a record, as the file has it.
pub async fn stored_titles(
    store: &SqliteBoards,
    board: &BoardId,
) -> Result<BTreeMap<RecordId, String>> {
    let image = store.load(board).await?;
    let title = LeafPath::new("title")?;
    let live = image.state.live();
    let titles = live.filter_map(|(record, state)| {
        let text = state.value(&title).and_then(Value::as_text)?;
        Some((record.clone(), text.to_owned()))
    });
    Ok(titles.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> BoardId {
        BoardId::new("home").expect("an id")
    }

    fn book(ids: &[u128]) -> Book {
        let mut page = Page::default();
        for (version, id) in (1..).zip(ids) {
            let taken = page.take(&home(), Version(version), EditId(*id));
            taken.expect("is next");
        }
        Book {
            boards: [(home(), page)].into(),
        }
    }

    fn made(id: u128, fate: Fate) -> Made {
        Made {
            id: EditId(id),
            record: RecordId::new("cpu").expect("an id"),
            title: Some(id.to_string()),
            fate,
        }
    }

    fn account(book: &Book, journal: &[Made], waits: &[u128]) -> Result<Account> {
        let waits = waits.iter().map(|id| EditId(*id)).collect();
        book.account(&home(), journal, &waits)
    }

    #[test]
    fn what_was_acknowledged_and_is_not_there_is_found() {
        let book = book(&[7, 8]);
        let there = made(8, Fate::Acknowledged(Version(2)));
        assert!(account(&book, &[there], &[]).is_ok());
        for (id, version) in [(9, 2), (9, 3), (7, 2)] {
            let lost = made(id, Fate::Acknowledged(Version(version)));
            let error = account(&book, &[lost], &[]).expect_err("is found");
            assert!(error.to_string().starts_with("LOST"), "{error}");
        }
    }

    #[test]
    fn an_edit_that_nobody_knows_of_is_found() {
        let book = book(&[7]);
        let journal = [made(7, Fate::Unheard), made(8, Fate::Unheard)];
        assert!(account(&book, &journal, &[]).is_err());
        let added = account(&book, &journal, &[8]).expect("adds up");
        assert_eq!((added.made, added.applied, added.set_aside), (2, 1, 1));
        assert!(account(&book, &[made(7, Fate::Waiting)], &[]).is_err());
        assert!(account(&book, &[made(7, Fate::SetAside)], &[]).is_err());
    }

    #[test]
    fn an_edit_that_is_there_twice_and_a_gap_are_found() {
        let mut page = Page::default();
        page.take(&home(), Version(1), EditId(7)).expect("is next");
        assert!(page.take(&home(), Version(3), EditId(8)).is_err());
        let error = page
            .take(&home(), Version(2), EditId(7))
            .expect_err("twice");
        assert!(error.to_string().starts_with("DOUBLED"), "{error}");
    }

    #[test]
    fn a_record_has_the_title_of_its_newest_applied_edit() {
        let book = book(&[7, 9]);
        let journal = [7, 8, 9].map(|id| made(id, Fate::Unheard));
        let record = RecordId::new("cpu").expect("an id");
        let title = book.title(&home(), &journal, &record);
        assert_eq!(title.as_deref(), Some("9"));
    }
}

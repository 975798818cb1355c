//! A second person who does what a script says, while time passes.

use std::rc::Rc;

use driftless_client::EditBuilder;
use driftless_model::BoardId;

use crate::person::Person;
use crate::world::World;

/// What a person does on a board, and when. Nothing happens before [`crate::TestKit::advance_ms`]
/// or [`crate::TestKit::until`] gets to it.
#[derive(Debug)]
pub struct Script {
    world: Rc<World>,
    person: Person,
    board: BoardId,
    at_ms: u64,
}

impl Script {
    pub(crate) fn new(world: Rc<World>, person: Person, board: BoardId) -> Self {
        let at_ms = world.clock.now_ms();
        person.client().board(board.clone());
        Self {
            world,
            person,
            board,
            at_ms,
        }
    }

    /// What follows comes so much later.
    #[must_use]
    pub fn after_ms(mut self, milliseconds: u64) -> Self {
        self.at_ms += milliseconds;
        self
    }

    /// They make an edit, which has to be valid then.
    #[must_use]
    pub fn edit(self, label: &str, build: impl FnOnce(&mut EditBuilder) + 'static) -> Self {
        let (board, label) = (self.board.clone(), label.to_owned());
        self.act(move |person| {
            person.edit(&board, &label, build);
        })
    }

    /// They do anything else.
    #[must_use]
    pub fn act(self, act: impl FnOnce(&Person) + 'static) -> Self {
        let person = self.person.clone();
        self.world.at_ms(self.at_ms, move || act(&person));
        self
    }

    /// The script ends here: answers who follows it.
    pub fn person(self) -> Person {
        self.person
    }
}

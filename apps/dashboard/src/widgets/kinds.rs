//! What each kind is when it is new.

use driftless_model::layout::Place;
use driftless_model::{Leaf, LeafPath, LeafValue, Value, builtin};
use driftless_protocol::feed::{Aggregate, Query};

use crate::grid::layout::layout_leaf;
use crate::widgets::query;

/// A kind that can be added from the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewWidget {
    /// Its kind.
    pub kind: &'static str,
    /// What the menu says.
    pub name: &'static str,
    /// What it is good for.
    pub hint: &'static str,
    size: (u32, u32),
    title: &'static str,
    feed: Option<NewFeed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct NewFeed {
    selector: &'static str,
    unit: &'static str,
    window_s: u32,
}

const fn feed(selector: &'static str, unit: &'static str, window_s: u32) -> NewFeed {
    NewFeed {
        selector,
        unit,
        window_s,
    }
}

/// Every kind of the menu, in its order.
pub const NEW_WIDGETS: [NewWidget; 5] = [
    NewWidget {
        kind: "chart",
        name: "Chart",
        hint: "Lines over time",
        size: (6, 7),
        title: "Processor",
        feed: Some(feed("cpu_usage_percent", "%", 300)),
    },
    NewWidget {
        kind: "stat",
        name: "Stat",
        hint: "One number",
        size: (3, 4),
        title: "Memory used",
        feed: Some(feed("memory_used_bytes", "bytes", 300)),
    },
    NewWidget {
        kind: "bars",
        name: "Bars",
        hint: "A bar for each series",
        size: (4, 5),
        title: "Disks",
        feed: Some(feed("disk_used_percent", "%", 10)),
    },
    NewWidget {
        kind: "table",
        name: "Table",
        hint: "A row for each series",
        size: (5, 7),
        title: "Processes",
        feed: Some(feed("process_*", "", 10)),
    },
    NewWidget {
        kind: "note",
        name: "Note",
        hint: "Text for those who read this board",
        size: (4, 4),
        title: "Note",
        feed: None,
    },
];

impl NewWidget {
    /// Its width and height, in cells.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// Its first leaves.
    pub fn leaves(&self, place: Place) -> Vec<(LeafPath, Value)> {
        let mut leaves = vec![
            leaf(builtin::TITLE, self.title.to_owned()),
            (layout_leaf(), place.to_value()),
        ];
        match &self.feed {
            Some(feed) => {
                let query = Query {
                    selector: feed.selector.to_owned(),
                    window_s: feed.window_s,
                    step_s: 1,
                    aggregate: Aggregate::Avg,
                };
                leaves.push(leaf(builtin::QUERY, query::to_value(&query)));
                leaves.push(leaf(builtin::UNIT, feed.unit.to_owned()));
            }
            None => leaves.push(leaf(builtin::Note::TEXT, String::new())),
        }
        leaves
    }
}

fn leaf<T: LeafValue>(leaf: Leaf<T>, value: T) -> (LeafPath, Value) {
    (
        leaf.path(),
        value.to_value().expect("text and maps are values"),
    )
}

#[cfg(test)]
mod tests {
    use driftless_model::{Change, Edit, EditId, KindName, Op, RecordId, Schema, Version};

    use super::*;

    #[test]
    fn every_new_widget_is_valid() {
        for new in NEW_WIDGETS {
            let op = Op::Create {
                kind: KindName::new(new.kind).expect("a kind"),
                leaves: new
                    .leaves(Place {
                        x: 0,
                        y: 3,
                        w: new.size().0,
                        h: new.size().1,
                    })
                    .into_iter()
                    .collect(),
            };
            let record = RecordId::new("new").expect("an id");
            let edit = Edit {
                id: EditId(1),
                label: "Add".to_owned(),
                on_stale: driftless_model::OnStale::Policy,
                changes: vec![Change {
                    record,
                    seen: Version(0),
                    op,
                }],
            };
            assert_eq!(
                Schema::builtin().validate(&edit, |_| None),
                Ok(()),
                "{}",
                new.kind
            );
        }
    }
}

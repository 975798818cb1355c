//! The small parts.

use driftless_leptos::leaf_editor::LeafField;
use driftless_leptos::{Toaster, Tone};
use driftless_model::Value;
use driftless_testkit::Disk;
use leptos::prelude::*;

use crate::examples::parts::{Compared, Disclosure, Field, Message, Question, Since, Storage};
use crate::scene::{Cast, Scene};
use crate::stage::{Plain, Stage};

pub fn page() -> AnyView {
    let storage = DISKS.map(|(name, then)| {
        let scene = Scene::open(|_| {}, then);
        view! { <Stage name scene><Storage /></Stage> }
    });
    view! {
        <div class="stages">
            {storage.into_iter().collect_view()}
            {toasts()}
            {fields()}
            <Plain name="Popover"><Disclosure heading="What changed" /></Plain>
            <Plain name="Dialog"><Question /></Plain>
            <Plain name="JsonCompare: other than before">
                <Compared value=Some(list(&["soup", "bread"])) reference=list(&["soup", "salad"]) />
            </Plain>
            <Plain name="JsonCompare: not there">
                <Compared value=None reference=Value::from(80) />
            </Plain>
            <Plain name="relative_time and use_now"><Since /></Plain>
        </div>
    }
    .into_any()
}

fn list(texts: &[&str]) -> Value {
    Value::List(texts.iter().map(|text| Value::from(*text)).collect())
}

fn toasts() -> AnyView {
    view! {
        <Stage name="Toaster" scene=Scene::well()>
            <Message tone=Tone::Live text="Saved" />
            <Message tone=Tone::Pending text="Waits for the server" />
            <Message tone=Tone::Conflict text="Somebody changed the same" />
            <Message tone=Tone::Error text="Not saved" />
            <Toaster />
        </Stage>
    }
    .into_any()
}

fn fields() -> AnyView {
    let choices = LeafField::Choice(vec!["line".to_owned(), "area".to_owned()]);
    view! {
        <Plain name="LeafEditor: text">
            <Field name="title" field=LeafField::Text value=Value::from("Lunch") />
        </Plain>
        <Plain name="LeafEditor: a number">
            <Field name="maximum" field=LeafField::Number value=Value::from(90) />
        </Plain>
        <Plain name="LeafEditor: yes or no">
            <Field name="stacked" field=LeafField::Bool value=Value::from(true) />
        </Plain>
        <Plain name="LeafEditor: a choice">
            <Field name="style" field=choices value=Value::from("area") />
        </Plain>
        <Plain name="LeafEditor: JSON">
            <Field name="layout" field=LeafField::Json value=list(&["a", "b"]) />
        </Plain>
    }
    .into_any()
}

type State = (&'static str, fn(&Cast));

const DISKS: [State; 4] = [
    ("StorageNotice: all is kept", |_| {}),
    ("StorageNotice: the disk is full", |cast| {
        cast.ann.set_disk(Disk::Full);
        cast.rename_anew(&cast.ann);
    }),
    ("StorageNotice: a private window", |cast| {
        cast.ann.set_disk(Disk::Missing);
        cast.ann.restart();
    }),
    ("StorageNotice: what is stored is damaged", |cast| {
        cast.ann.set_disk(Disk::Unreadable);
        cast.ann.restart();
    }),
];

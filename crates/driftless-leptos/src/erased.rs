//! Memos, effects, lists, attributes, handlers and changing views of which there is one kind,
//! whatever closure they are made of.
//!
//! Leptos makes code for each closure: some 1 KB of WebAssembly for a memo, an effect or an
//! attribute, more for a list or a view that comes and goes. Behind a box they share it.

use leptos::prelude::*;

/// A value that is computed again when what it read has changed, and told when it differs.
pub fn memo<T: PartialEq + Send + Sync + 'static>(
    compute: impl Fn() -> T + Send + Sync + 'static,
) -> Memo<T> {
    let compute: Box<dyn Fn() -> T + Send + Sync> = Box::new(compute);
    Memo::new(move |_| compute())
}

/// Runs now, and again after each change of what it read.
pub fn effect(run: impl FnMut() + 'static) {
    let mut run: Box<dyn FnMut()> = Box::new(run);
    Effect::new(move |_| run());
}

/// A view that is made anew after each change of what it read.
pub fn changing<V: IntoView + 'static>(view: impl Fn() -> V + Send + 'static) -> AnyView {
    let view: Box<dyn FnMut() -> AnyView + Send> = Box::new(move || view().into_any());
    view.into_any()
}

/// What an attribute, a style or a property is: set again after each change of what it read.
pub fn reactive<T>(value: impl FnMut() -> T + Send + 'static) -> Box<dyn FnMut() -> T + Send> {
    Box::new(value)
}

/// What is done at an event.
pub fn handler<E>(handle: impl FnMut(E) + 'static) -> Box<dyn FnMut(E)> {
    Box::new(handle)
}

/// Shows its children for as long as a condition holds; they are made anew each time that it
/// begins to.
#[component]
pub fn When(
    /// The condition.
    #[prop(into)]
    is: Signal<bool>,
    /// What is shown.
    children: ChildrenFn,
) -> impl IntoView {
    let is = memo(move || is.get());
    changing(move || is.get().then(|| children()))
}

/// What makes an item's view, once.
type MakeView = Box<dyn FnOnce() -> AnyView + Send>;

/// Shows `items`, one view for each key: a view is made when its key appears, moves with it, and
/// goes with it. Keys are unique.
pub fn keyed<T: Send + 'static>(
    items: impl Fn() -> Vec<T> + Send + Sync + 'static,
    key: impl Fn(&T) -> String + Send + Sync + 'static,
    view: impl Fn(T) -> AnyView + Clone + Send + Sync + 'static,
) -> AnyView {
    list(Box::new(move || {
        let items = items().into_iter();
        let made = items.map(|item| {
            let (key, view) = (key(&item), view.clone());
            let make: MakeView = Box::new(move || view(item));
            (key, make)
        });
        made.collect()
    }))
}

fn list(items: Box<dyn Fn() -> Vec<(String, MakeView)> + Send + Sync>) -> AnyView {
    view! {
        <For
            each=items
            key=|(key, _)| key.clone()
            children=|(_, make): (String, MakeView)| make()
        />
    }
    .into_any()
}

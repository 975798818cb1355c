//! Names and what they are, one under the other.

use leptos::prelude::*;

/// A name and what it is.
pub type Fact = (String, String);

/// The facts as a description list, renewed when they change. Parts: `facts`, `fact`.
pub fn facts_list(facts: impl Fn() -> Vec<Fact> + Send + Sync + 'static) -> AnyView {
    let facts: Box<dyn Fn() -> Vec<Fact> + Send + Sync> = Box::new(facts);
    let shown = move || facts().into_iter().map(fact).collect_view();
    view! { <dl data-part="facts">{shown}</dl> }.into_any()
}

fn fact((name, value): Fact) -> impl IntoView {
    view! {
        <div data-part="fact">
            <dt>{name}</dt>
            <dd>{value}</dd>
        </div>
    }
}

//! The application's own widget. It knows nothing of boards: it is told a value, and tells another.

use leptos::prelude::*;

/// A dial for a temperature, in degrees Celsius.
#[component]
pub fn Dial(
    /// What it shows.
    #[prop(into)]
    degrees: Signal<f64>,
    /// Told once the person has let go of it.
    #[prop(into)]
    on_change: Callback<f64>,
) -> impl IntoView {
    let told = move |event| {
        if let Ok(degrees) = event_target_value(&event).parse() {
            on_change.run(degrees);
        }
    };
    view! {
        <label>
            "Heat to "
            <input
                type="range"
                min="5"
                max="35"
                step="0.5"
                prop:value=move || degrees.get().to_string()
                on:change=told
            />
        </label>
        <output>{move || format!("{:.1} °C", degrees.get())}</output>
    }
}

//! The bar at the top: which board, how it is connected, what can be done.

use driftless_leptos::erased::When;
use driftless_leptos::{DashboardSyncIndicator, PendingOperationsBadge};
use leptos::prelude::*;

use crate::board::add_menu::AddMenu;
use crate::board::cable::CableMenu;
use crate::board::monitor::MonitorMenu;
use crate::board::title::BoardTitle;
use crate::lock::{BoardLock, LockToggle};
use crate::shell::Shell;
use crate::theme::ThemeSwitch;

/// The bar.
#[component]
pub fn TopBar() -> impl IntoView {
    let is_locked = expect_context::<BoardLock>().0;
    let facts = expect_context::<Shell>().facts();
    view! {
        <header class="top-bar">
            <BoardTitle />
            <div class="top-status">
                <DashboardSyncIndicator show_details=true more_facts=facts />
                <PendingOperationsBadge show_details=true />
            </div>
            <div class="top-actions">
                <When is=move || !is_locked.get()><AddMenu /></When>
                <LockToggle />
                <ThemeSwitch />
                <MonitorMenu />
                <CableMenu />
            </div>
        </header>
    }
}

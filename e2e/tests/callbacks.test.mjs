// Each callback of each component and hook is told what it is for. The playgrounds of the gallery
// list what theirs were told.

import assert from 'node:assert/strict';
import { gallery, happen, told } from '../harness/gallery.mjs';

gallery('DashboardSyncIndicator: on_status_change', async ({ browser }, open) => {
  const page = await open(await browser.person('ann'), 'sync-indicator');
  await told(page, /^on_status_change: online$/);
  await happen(page, 'Ann goes offline');
  await told(page, /^on_status_change: offline$/);
  await happen(page, 'Ann goes online');
  await told(page, /^on_status_change: online$/, 2);
});

gallery('PendingOperationsBadge: on_operation_complete, on_operation_fail, and what its buttons do', async ({
  browser,
}, open) => {
  const page = await open(await browser.person('ann'), 'pending-badge');
  const playground = page.getByTestId('playground');
  const badge = (state, count) =>
    playground.locator(`[data-part="pending-badge"][data-state="${state}"][data-count="${count}"]`).waitFor();
  await happen(page, 'Ann renames the note');
  await told(page, /^on_operation_complete: v2$/);

  await happen(page, 'Ann may only look');
  await happen(page, 'Ann renames the note');
  await told(page, /^on_operation_fail: Rename to “Ann’s title 2”: ./);
  await badge('attention', 1);
  await playground.locator('[data-part="popover-button"]').click();
  await happen(page, 'Ann may edit');
  // Whoever presses outside closes the list.
  await playground.locator('[data-part="popover"][data-state="closed"]').waitFor();
  await playground.locator('[data-part="popover-button"]').click();
  await playground.getByTestId('pending-retry').click();
  await told(page, /^on_operation_complete: v3$/);
  await badge('empty', 0);

  await happen(page, 'Ann goes offline');
  await happen(page, 'Ann renames the note');
  await badge('pending', 1);
  await playground.locator('[data-part="popover-button"]').click();
  await playground.getByTestId('pending-roll-back').click();
  await told(page, /^on_operation_fail: Rename to “Ann’s title 3”: ./);
  await badge('empty', 0);
});

gallery('PendingOperationsBadge: all are tried again, taken back and exported', async ({
  browser,
}, open) => {
  const page = await open(await browser.person('ann'), 'pending-badge');
  const playground = page.getByTestId('playground');
  const badge = playground.locator('[data-part="pending-badge"]');
  const counts = (number) => badge.and(page.locator(`[data-count="${number}"]`)).waitFor();
  const list = playground.locator('[data-part="popover-button"]');
  await happen(page, 'Ann may only look');
  for (let number = 1; number <= 4; number += 1) {
    await happen(page, 'Ann renames the note');
    await told(page, /^on_operation_fail/, number);
  }
  await list.click();
  // One for each, and how many more there are.
  assert.equal(await playground.getByTestId('pending-item').count(), 3);
  await playground.getByText('and 1 more').waitFor();
  await happen(page, 'Ann may edit');
  await list.click();
  await playground.getByTestId('pending-retry-all').click();
  await counts(0);
  await told(page, /^on_operation_complete/, 4);
  assert.ok(await playground.getByTestId('pending-retry-all').isDisabled());

  await happen(page, 'Ann goes offline');
  for (let number = 1; number <= 2; number += 1) await happen(page, 'Ann renames the note');
  await counts(2);
  await list.click();
  const download = page.waitForEvent('download');
  await playground.getByTestId('pending-export').click();
  assert.equal((await download).suggestedFilename(), 'home-pending.json');
  const all = playground.getByTestId('pending-roll-back-all');
  const first = await all.innerText();
  await all.click();
  assert.notEqual(await all.innerText(), first, 'it asks');
  await counts(2);
  await all.click();
  await counts(0);
});

gallery('ConflictResolutionUi: on_conflict_dismissed and on_conflict_resolved', async ({
  browser,
}, open) => {
  const page = await open(await browser.person('ann'), 'conflict-ui');
  const playground = page.getByTestId('playground');
  await happen(page, 'Both write the same');
  await playground.getByTestId('conflict-open').click();
  await page.getByTestId('conflict-later').click();
  await told(page, /^on_conflict_dismissed: \d+$/);
  await playground.getByTestId('conflict-open').click();
  await page.keyboard.press('Escape');
  await told(page, /^on_conflict_dismissed: \d+$/, 2);
  await playground.getByTestId('conflict-open').click();
  await page.getByTestId('conflict-take-theirs').click();
  await told(page, /^on_conflict_resolved: Rename to “Dinner”: TookTheirs$/);
  await playground.getByTestId('conflict-alert').waitFor({ state: 'detached' });
  // A decision is none that is put off.
  const lines = await page.getByTestId('told').locator('li').allInnerTexts();
  assert.equal(lines.filter((line) => line.startsWith('on_conflict_dismissed')).length, 2);
});

gallery('ConflictResolutionUi: what auto_resolve decides is told', async ({ browser }, open) => {
  const page = await open(await browser.person('ann'), 'conflict-ui');
  const playground = page.getByTestId('playground');
  for (const [way, settlement] of [['Mine', 'KeptMine'], ['Theirs', 'TookTheirs']]) {
    await playground.getByLabel('auto_resolve').selectOption(way);
    await happen(page, 'Both write the same');
    await told(page, new RegExp(`^on_conflict_resolved: Rename to “Dinner”: ${settlement}$`));
    assert.equal(await playground.getByTestId('conflict-alert').count(), 0);
  }
  assert.equal(await playground.getByTestId('toast').count(), 2);
});

gallery('WidgetRealtime: on_update, on_sync and on_error', async ({ browser }, open) => {
  const page = await open(await browser.person('ann'), 'widget-realtime');
  await happen(page, 'Bob renames it');
  await told(page, /^on_update: Bob’s title 1$/);
  await happen(page, 'Ann goes offline');
  await happen(page, 'Ann renames the note');
  await told(page, /^on_update: Ann’s title 2$/);
  const lines = await page.getByTestId('told').locator('li').allInnerTexts();
  assert.ok(!lines.some((line) => line.startsWith('on_sync')), 'nothing of its own is confirmed yet');
  await happen(page, 'Ann goes online');
  await told(page, /^on_sync: v3$/);
  await happen(page, 'Both write the same');
  await told(page, /^on_error: Edit \{ number: \d+, label: "Rename to “Dinner”" \}$/);
  await page.getByTestId('playground').getByLabel('an error inside').check();
  await told(page, /^on_error: Content\("invalid float literal"\)$/);
});

gallery('SyncLedger: on_trouble', async ({ browser }, open) => {
  const page = await open(await browser.person('ann'), 'ledger');
  await told(page, /^on_trouble: 1 lost, 0 doubled$/);
  await told(page, /^on_trouble: 0 lost, 1 doubled$/);
});

gallery('PerformancePanel: on_sample', async ({ browser }, open) => {
  const page = await open(await browser.person('ann'), 'performance');
  await told(page, /^on_sample: 0 queued, 0 sealed$/);
  await happen(page, 'Ann goes offline');
  await happen(page, 'Ann renames the note');
  await told(page, /^on_sample: 1 queued, 0 sealed$/);
});

gallery('DashboardRealtimeProvider: on_initialized and on_error', async ({ browser }, open) => {
  const page = await open(await browser.person('ann'), 'provider');
  await told(page, /^on_initialized: 0 records$/);
  // A newer build has the storage, and this one may not touch it.
  await page.evaluate(() => new Promise((resolve, reject) => {
    const opening = indexedDB.open('driftless/gallery', 1000);
    opening.onsuccess = () => resolve(opening.result.close());
    opening.onerror = () => reject(opening.error);
  }));
  await page.getByLabel('auto_connect').check();
  await told(page, /^on_error: not saved on this device: .*newer version of this page/);
});

gallery('DashboardClientProvider: on_initialized and on_error', async ({ browser }, open) => {
  const page = await open(await browser.person('ann'), 'client-provider');
  await told(page, /^on_initialized: 1 records$/);
  await happen(page, 'Ann’s disk is full, and she renames the note');
  await told(page, /^on_error: not saved on this device: ./);
});

gallery('the hooks tell what their options ask for', async ({ browser }, open) => {
  const page = await open(await browser.person('ann'), 'hooks');
  await told(page, /^on_status_change: online$/);
  await happen(page, 'Bob renames it');
  await told(page, /^on_update: Bob’s title 1$/);
  // Over the air she sees it pending; here the server answers before the page draws.
  await happen(page, 'Ann goes offline');
  await happen(page, 'Ann renames the note');
  await told(page, /^on_update: Ann’s title 2$/);
  await happen(page, 'Ann goes online');
  await told(page, /^on_operation_complete: v3$/);
  await told(page, /^on_sync: v3$/);
  await happen(page, 'Both write the same');
  await told(page, /^on_operation_fail: Rename to “Dinner”$/);
  await told(page, /^on_waiting: Rename to “Dinner”$/);
});

gallery('a toast does its action, goes when it is closed, and no earlier while somebody is at it', async ({
  browser,
}, open) => {
  const context = await browser.person('ann');
  await context.clock.install();
  const page = await open(context, 'parts');
  const stage = page.locator('[data-stage="Toaster"]');
  const toast = (text) => stage.getByTestId('toast').filter({ hasText: text });
  for (const text of ['Saved', 'Waits for the server', 'Somebody changed the same', 'Not saved']) {
    await stage.getByRole('button', { name: text, exact: true }).click();
    await toast(text).waitFor();
  }
  assert.equal(await stage.getByTestId('toast').count(), 3, 'the oldest went');
  const undone = page.waitForEvent('console', { predicate: (line) => line.text() === 'undone' });
  await toast('Waits for the server').getByTestId('toast-action').click();
  await undone;
  await toast('Waits for the server').waitFor({ state: 'detached' });
  await toast('Somebody changed the same').locator('[data-part="toast-close"]').click();
  await toast('Somebody changed the same').waitFor({ state: 'detached' });

  const left = toast('Not saved');
  await left.getByTestId('toast-action').focus();
  await context.clock.fastForward(9_000);
  await page.evaluate(() => new Promise((resolve) => { requestAnimationFrame(resolve); }));
  assert.equal(await left.count(), 1, 'focus is on it');
  await left.getByTestId('toast-action').blur();
  await page.mouse.move(0, 0);
  await context.clock.fastForward(9_000);
  await left.waitFor({ state: 'detached' });
});

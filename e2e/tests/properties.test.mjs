// What the properties of components change. The playgrounds of the gallery have a control for each.

import assert from 'node:assert/strict';
import { gallery, happen, told } from '../harness/gallery.mjs';

gallery('WidgetRealtime: enable_optimistic shows what is pending, or only what is confirmed', async ({
  browser,
}, open) => {
  const page = await open(await browser.person('ann'), 'widget-realtime');
  const widget = page.getByTestId('playground').locator('[data-part="widget"]');
  const shows = (title) => widget.locator('strong').getByText(title, { exact: true }).waitFor();
  const state = (name) => widget.and(page.locator(`[data-state="${name}"]`)).waitFor();
  await page.getByLabel('enable_optimistic').uncheck();
  await shows('Lunch');
  await happen(page, 'Ann goes offline');
  await happen(page, 'Ann renames the note');
  await told(page, /^on_update: Ann’s title 1$/);
  await state('pending');
  await shows('Lunch');
  await happen(page, 'Ann goes online');
  await shows('Ann’s title 1');

  await page.getByLabel('enable_optimistic').check();
  await happen(page, 'Ann goes offline');
  await happen(page, 'Ann renames the note');
  await state('pending');
  await shows('Ann’s title 2');
});

gallery('WidgetRealtime: while it is paused it shows what it showed, and is named after the record', async ({
  browser,
}, open) => {
  const page = await open(await browser.person('ann'), 'widget-realtime');
  const widget = page.getByTestId('playground').locator('[data-part="widget"]');
  await page.getByRole('checkbox', { name: 'paused' }).check();
  await widget.and(page.locator('[data-state="paused"]')).waitFor();
  await happen(page, 'Bob renames it');
  await told(page, /^on_update: Bob’s title 1$/);
  assert.equal(await widget.locator('strong').innerText(), 'Lunch');
  await page.getByRole('checkbox', { name: 'paused' }).uncheck();
  await widget.locator('strong').getByText('Bob’s title 1').waitFor();
  await page.getByTestId('playground').getByRole('group', { name: 'Bob’s title 1' }).waitFor();
});

gallery('EditReceipts: no more than max_display', async ({ browser }, open) => {
  const page = await open(await browser.person('ann'), 'receipts');
  const items = page.getByTestId('playground').locator('[data-part="recent-item"]');
  for (let number = 1; number <= 4; number += 1) {
    await happen(page, 'Ann renames the note');
    await items.filter({ hasText: `Ann’s title ${number}` }).waitFor();
  }
  assert.equal(await items.count(), 3);
  await page.getByTestId('playground').getByLabel('max').fill('2');
  await items.nth(2).waitFor({ state: 'detached' });
  assert.match(await items.first().innerText(), /Ann’s title 4/, 'the newest first');
});

gallery('PendingOperationsBadge: without show_details it only shows', async ({ browser }, open) => {
  const page = await open(await browser.person('ann'), 'pending-badge');
  const badge = page.getByTestId('playground').locator('[data-part="pending-badge"]');
  await badge.locator('[data-part="popover-button"]').waitFor();
  await page.getByLabel('show_details').uncheck();
  await badge.locator('[data-part="popover-button"]').waitFor({ state: 'detached' });
  await happen(page, 'Ann goes offline');
  await happen(page, 'Ann renames the note');
  await badge.getByTestId('pending-count').getByText('1', { exact: true }).waitFor();
});

gallery('DashboardRealtimeProvider: auto_connect', async ({ browser }, open) => {
  const page = await open(await browser.person('ann'), 'provider');
  const indicator = page.getByTestId('playground').locator('[data-part="sync-indicator"]');
  await told(page, /^on_initialized/);
  assert.equal(await indicator.getAttribute('data-state'), 'idle');
  await page.getByLabel('auto_connect').check();
  await indicator.and(page.locator('[data-state="online"]')).waitFor();
});

// The gallery: each page shows each state that it names, and is clean for axe in both themes.

import assert from 'node:assert/strict';
import { violations } from '../harness/axe.mjs';
import { gallery, go } from '../harness/gallery.mjs';

/** What is on the stages of each page: the state by its name, what to wait for inside it. */
const PAGES = {
  'sync-indicator': Object.fromEntries(
    ['online', 'idle', 'connecting', 'waiting', 'offline', 'unauthorised', 'closed'].map(
      (state) => [state, `[data-part="sync-indicator"][data-state="${state}"]`],
    ),
  ),
  'pending-badge': {
    'empty': '[data-part="pending-badge"][data-state="empty"]',
    'pending': '[data-part="pending-badge"][data-state="pending"][data-count="5"]',
    'sent, without an answer': '[data-part="pending-badge"][data-state="pending"][data-count="1"]',
    'being taken back': '[data-part="pending-badge"][data-state="pending"][data-count="1"]',
    'in conflict': '[data-part="pending-badge"][data-state="attention"]',
    'refused': '[data-part="pending-badge"][data-state="attention"]',
  },
  'conflict-ui': {
    'no conflict': '[data-part="conflict-ui"]',
    'both wrote the same': '[data-part="conflict-alert"]',
    'the other removed it': '[data-part="conflict-alert"]',
  },
  'widget-realtime': Object.fromEntries(
    ['live', 'paused', 'forbidden', 'late', 'pending', 'conflict', 'offline', 'error', 'loading', 'missing'].map(
      (state) => [state, `[data-part="widget"][data-state="${state}"]`],
    ),
  ),
  'receipts': {
    'empty': '[data-part="receipts"][data-state="empty"]',
    'stored here': '[data-part="receipt"]:has([data-state="done"] + [data-state="waiting"] + [data-state="waiting"])',
    'sent, without an answer': '[data-part="receipt"]:has([data-state="done"] + [data-state="done"] + [data-state="waiting"])',
    'committed': '[data-part="receipt"]:not(:has([data-state="waiting"]))',
    'seen by another': '[data-part="receipt-step"][data-state="done"]:nth-child(4):has-text("seen by others (1 of 1)")',
  },
  'ledger': {
    'nothing was made': '[data-part="ledger"]:has-text("0 made")',
    'applied, pending and in conflict':
      '[data-part="ledger"]:has-text("7 made = 4 applied + 2 pending + 1 conflicted + 0 refused")',
    'an edit is lost': '[data-part="ledger"][data-state="trouble"]:has-text("1 lost · 0 doubled")',
    'an edit is there twice': '[data-part="ledger"][data-state="trouble"]:has-text("0 lost · 1 doubled")',
  },
  'reconnect': Object.fromEntries(
    ['none', 'whole', 'delta'].map((state) => [state, `[data-part="reconnect-bill"][data-state="${state}"]`]),
  ),
  'performance': {},
  'provider': {
    'a board id that is none': '[data-part="failure"]',
    'no provider around a component': '[data-part="failure"]',
  },
  'client-provider': {
    'a client of the test kit': '[data-part="sync-indicator"][data-state="online"]',
    'another board of the same client': '[data-part="sync-indicator"][data-state="online"]',
    'a board id that is none': '[data-part="failure"]',
  },
  'hooks': {
    'live': ':text("online: 0 pending, 0 in conflict")',
    'pending': ':text("offline: 1 pending")',
    'in conflict': ':text("1 in conflict")',
  },
  'parts': {
    'StorageNotice: the disk is full': '[data-part="storage-notice"][data-state="not-saved"]',
    'StorageNotice: a private window': '[data-part="storage-notice"][data-state="not-saved"]',
    'StorageNotice: what is stored is damaged': '[data-part="storage-notice"][data-state="unusable"]',
    'JsonCompare: other than before': 'mark[data-mark="changed"]',
    'JsonCompare: not there': '[data-part="json-absent"]',
    'LeafEditor: a choice': 'select[data-field="choice"]',
  },
};

for (const colorScheme of ['dark', 'light']) {
  gallery(`every page has its states and is clean for axe (${colorScheme})`, async ({ browser }, open) => {
    const page = await open(await browser.person('ann', { colorScheme }), 'sync-indicator');
    const slugs = await page.locator('nav a').evaluateAll((all) => all.map((link) => link.hash.slice(1)));
    assert.deepEqual(slugs, Object.keys(PAGES), 'a page that this test does not know');
    for (const [slug, states] of Object.entries(PAGES)) {
      await go(page, slug);
      for (const [state, selector] of Object.entries(states)) {
        await page.locator(`[data-stage="${state}"] ${selector}`).first().waitFor({ state: 'attached' });
      }
      await page.locator('.source summary').click();
      await page.locator('.source[open] code', { hasText: '#[component]' }).waitFor();
      assert.deepEqual(await violations(page), [], `axe on ${slug}`);
    }
  });
}

gallery('on a phone nothing is wider than the screen, and the page that is shown is in sight in the list', async ({
  browser,
}, open) => {
  const width = 390;
  const page = await open(await browser.person('ann', { viewport: { width, height: 844 } }), 'sync-indicator');
  for (const slug of Object.keys(PAGES)) {
    await page.evaluate((hash) => { location.hash = hash; }, slug);
    await page.locator(`[data-testid="page"][data-page="${slug}"]`).waitFor();
    await page.waitForFunction((right) => {
      const link = document.querySelector('nav a[aria-current]').getBoundingClientRect();
      return link.left >= 0 && link.right <= right;
    }, width);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width, slug);
  }
});

gallery('properties, the network and what others do are seen at once', async ({ browser }, open) => {
  const page = await open(await browser.person('ann'), 'sync-indicator');
  const playground = page.getByTestId('playground');
  const indicator = playground.locator('[data-part="sync-indicator"]');
  const state = (wanted) => indicator.and(page.locator(`[data-state="${wanted}"]`)).waitFor();
  await state('online');
  await playground.getByLabel('show_details').uncheck();
  await playground.locator('[data-part="popover-button"]').waitFor({ state: 'detached' });
  await playground.getByRole('button', { name: 'The server is killed' }).click();
  await state('waiting');
  await playground.getByTestId('told').getByText('on_status_change: waiting').first().waitFor();
  await playground.getByRole('button', { name: 'The server starts' }).click();
  await state('online');

  await go(page, 'ledger');
  const ledger = page.getByTestId('playground').locator('[data-part="ledger"]');
  await page.getByLabel('Cut: nothing passes').check();
  await page.getByRole('button', { name: 'Ann renames the note' }).click();
  await ledger.getByText('1 made = 0 applied + 1 pending').waitFor();
  await page.getByLabel('Loss').fill('20');
  await page.getByLabel('Bandwidth').selectOption('10 KB/s');
  await page.getByLabel('Cut: nothing passes').uncheck();
  await ledger.getByText('1 made = 1 applied + 0 pending').waitFor();
  await page.getByTestId('traffic').getByText(/Sent [1-9]\d* frames/).waitFor();

  await go(page, 'conflict-ui');
  await page.getByRole('button', { name: 'Both write the same' }).click();
  await page.getByTestId('playground').getByTestId('conflict-open').click();
  assert.deepEqual(await violations(page), [], 'axe on the dialog');
  await page.getByTestId('conflict-keep-mine').click();
  await page.getByTestId('told').getByText('on_conflict_resolved').waitFor();
});

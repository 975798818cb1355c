// Each component by keyboard alone, and where the focus is afterwards.

import assert from 'node:assert/strict';
import { arrive, cable, disagree, rename, unlock } from '../harness/acts.mjs';
import { gallery, happen, told } from '../harness/gallery.mjs';
import { Board, SELECTORS } from '../harness/page.mjs';
import { scenario } from '../harness/scenario.mjs';

/** Presses Tab until the focus is on what a selector names; a round of the page is enough. */
async function tabTo(page, selector) {
  const isThere = () => page.evaluate((wanted) => document.activeElement.matches(wanted), selector);
  for (let presses = 0; presses < 60 && !(await isThere()); presses += 1) await page.keyboard.press('Tab');
  assert.ok(await isThere(), `Tab does not come to ${selector}`);
}

/** Waits until the focus is on what a selector names. */
const focused = (page, selector) =>
  page.waitForFunction((wanted) => document.activeElement.matches(wanted), selector);

const PLAYGROUND = '[data-testid="playground"]';
const POPOVER = `${PLAYGROUND} [data-part="popover-button"]`;

gallery('DashboardSyncIndicator: opened, disconnected, connected and closed by keyboard', async ({
  browser,
}, open) => {
  const page = await open(await browser.person('ann'), 'sync-indicator');
  await told(page, /^on_status_change: online$/);
  await tabTo(page, POPOVER);
  await page.keyboard.press('Enter');
  const button = page.locator(POPOVER);
  assert.equal(await button.getAttribute('aria-expanded'), 'true');
  const panel = page.locator(`[id="${await button.getAttribute('aria-controls')}"]`);
  // What the application adds is among the details.
  await panel.getByText('North').waitFor();
  await tabTo(page, `${PLAYGROUND} [data-testid="connect-button"]`);
  await page.keyboard.press('Enter');
  await told(page, /^on_status_change: idle$/);
  await page.keyboard.press('Enter');
  await told(page, /^on_status_change: online$/, 2);
  await page.keyboard.press('Escape');
  await panel.waitFor({ state: 'detached' });
  assert.equal(await button.getAttribute('aria-expanded'), 'false');
  await focused(page, POPOVER);
});

gallery('PendingOperationsBadge: edits are taken back by keyboard, and the focus stays in the list', async ({
  browser,
}, open) => {
  const page = await open(await browser.person('ann'), 'pending-badge');
  const badge = (count) =>
    page.locator(`${PLAYGROUND} [data-part="pending-badge"][data-count="${count}"]`).waitFor();
  await happen(page, 'Ann goes offline');
  await happen(page, 'Ann renames the note');
  await happen(page, 'Ann renames the note');
  await badge(2);
  await page.locator(POPOVER).focus();
  await page.keyboard.press('Enter');
  // The later one first: it would go with the earlier one that it was made on.
  for (const left of [1, 0]) {
    await tabTo(page, `${PLAYGROUND} li:nth-child(${left + 1}) [data-testid="pending-roll-back"]`);
    await page.keyboard.press('Enter');
    await badge(left);
    await focused(page, `${PLAYGROUND} [data-part="popover"] *`);
  }
  await page.keyboard.press('Escape');
  await focused(page, POPOVER);
});

gallery('WidgetRealtime: what failed inside is tried again by keyboard', async ({ browser }, open) => {
  const page = await open(await browser.person('ann'), 'widget-realtime');
  await page.getByLabel('an error inside').check();
  await told(page, /^on_error: Content/);
  await page.locator(PLAYGROUND).getByTestId('widget-retry').focus();
  await page.keyboard.press('Enter');
  await told(page, /^on_error: Content/, 2);
});

scenario('a conflict is found from its widget and merged by keyboard alone', async ({ browser, server }) => {
  const { ann, bob } = await disagree(Board, browser, server);
  await bob.locate('widgetConflict').waitFor();

  const { page } = bob;
  const { keyboard } = page;
  await tabTo(page, SELECTORS.widgetConflict);
  await keyboard.press('Enter');
  await focused(page, '[data-part="dialog-title"]');
  // Put off, the focus is where it was.
  await tabTo(page, SELECTORS.later);
  await keyboard.press('Enter');
  await bob.locate('conflictDialog').waitFor({ state: 'hidden' });
  await focused(page, SELECTORS.widgetConflict);

  await keyboard.press('Enter');
  await tabTo(page, SELECTORS.mergeInput);
  await keyboard.press('Control+a');
  await keyboard.type('Title of both');
  await tabTo(page, SELECTORS.applyMerge);
  await keyboard.press('Enter');
  await ann.waitWidget('Title of both');
  await bob.waitPending(0);
  await focused(page, `${SELECTORS.badge} button`);
});

/** Opens the only conflict of a board, by keyboard. */
async function openConflict(board) {
  await board.locate('conflictOpen').waitFor();
  await tabTo(board.page, SELECTORS.conflictOpen);
  await board.page.keyboard.press('Enter');
  await focused(board.page, '[data-part="dialog-title"]');
}

scenario('edits that joined a conflict are decided with it, by keyboard alone', async ({ browser, server }) => {
  const ann = await arrive(Board, await browser.person('ann'), server, 'Ann');
  const bob = await arrive(Board, await browser.person('bob'), server, 'Bob');
  await cable(bob, false);
  await rename(bob, 'Processor', 'First of Bob');
  await rename(bob, 'First of Bob', 'Second of Bob');
  await bob.waitPending(2);
  await rename(ann, 'Processor', 'Title of Ann');
  await ann.waitPending(0);
  await cable(bob, true);
  await openConflict(bob);
  const dialog = bob.locate('conflictDialog');
  assert.match(await dialog.getByTestId('conflict-mine').innerText(), /Second of Bob/);
  await tabTo(bob.page, SELECTORS.keepMine);
  await bob.page.keyboard.press('Enter');
  for (const board of [ann, bob]) {
    await board.waitWidget('Second of Bob');
    await board.waitPending(0);
  }
  await bob.locate('conflictAlert').waitFor({ state: 'detached' });
});

for (const [choice, words, isBack] of [
  ['keepMine', 'Restore with my change', true],
  ['takeTheirs', 'Let it go', false],
]) {
  scenario(`a widget that the other removed: ${words.toLowerCase()}, by keyboard alone`, async ({
    browser, server,
  }) => {
    const ann = await arrive(Board, await browser.person('ann'), server, 'Ann');
    const bob = await arrive(Board, await browser.person('bob'), server, 'Bob');
    await cable(bob, false);
    await rename(bob, 'Disks', 'Disks of Bob');
    await unlock(ann);
    await ann.locate('widgetRemove', ann.widget('Disks')).click();
    await ann.waitNoWidget('Disks');
    await cable(bob, true);
    await openConflict(bob);
    const button = bob.locate(choice);
    assert.equal((await button.innerText()).trim(), words);
    await tabTo(bob.page, SELECTORS[choice]);
    await bob.page.keyboard.press('Enter');
    await bob.locate('conflictAlert').waitFor({ state: 'detached' });
    for (const board of [ann, bob]) {
      if (isBack) await board.waitWidget('Disks of Bob');
      else await board.waitNoWidget('Disks of Bob');
      await board.waitPending(0);
    }
  });
}

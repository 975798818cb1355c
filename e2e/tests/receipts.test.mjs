// The receipt of an edit: stored, sent, committed, seen by others, step by step, while it waits and
// afterwards.

import assert from 'node:assert/strict';
import { arrive, cable, rename } from '../harness/acts.mjs';
import { violations } from '../harness/axe.mjs';
import { Board } from '../harness/page.mjs';
import { scenario } from '../harness/scenario.mjs';

/** What a receipt says: of each step its state, and its words. */
const steps = (receipt) =>
  receipt.locator('[data-part="receipt-step"]').evaluateAll((all) =>
    all.map((step) => [step.dataset.state, step.textContent.trim()]));

for (const colorScheme of ['dark', 'light']) {
  scenario(`an edit tells how far it is, and how long each step took (${colorScheme})`, async ({
    browser, server,
  }) => {
    const ann = await arrive(Board, await browser.person('ann', { colorScheme }), server, 'Ann');
    await cable(ann, false);
    await rename(ann, 'Processor', 'Renamed');
    await ann.waitPending(1);

    // By keyboard alone.
    await ann.locate('badge').getByRole('button').first().focus();
    await ann.page.keyboard.press('Enter');
    const waiting = ann.locate('receipt', ann.locate('pendingItem').first());
    await waiting.locator('[data-state="done"]').first().waitFor();
    const [stored, sent, committed] = await steps(waiting);
    assert.deepEqual(stored[0], 'done');
    assert.match(stored[1], /^stored here \d+ ms$/);
    assert.deepEqual(sent, ['waiting', 'sent: not yet']);
    assert.deepEqual(committed, ['waiting', 'committed: not yet']);
    assert.equal(await ann.locate('recentList').count(), 0, 'nothing is on the server yet');
    assert.deepEqual(await violations(ann.page), [], 'axe while it waits');

    await ann.page.keyboard.press('Escape');
    await cable(ann, true);
    await ann.waitPending(0);
    await ann.locate('badge').getByRole('button').first().click();
    const recent = ann.locate('recentList').locator('[data-testid="recent-item"]').first();
    await recent.waitFor();
    const receipt = ann.locate('receipt', recent);
    await receipt.getByText('nobody else is here').waitFor();
    const done = await steps(receipt);
    assert.deepEqual(done.map(([state]) => state), ['done', 'done', 'done', 'waiting']);
    assert.match(done[2][1], /^committed v\d+ (\d+ ms|\d+ s)$/);
    assert.deepEqual(await violations(ann.page), [], 'axe afterwards');
  });
}

scenario('an edit tells that another person sees it, and since when', async ({ browser, server }) => {
  const ann = await arrive(Board, await browser.person('ann'), server, 'Ann');
  const bob = await arrive(Board, await browser.person('bob'), server, 'Bob');
  await rename(ann, 'Processor', 'Renamed');
  await bob.widget('Renamed').waitFor();
  await ann.waitPending(0);
  await ann.locate('badge').getByRole('button').first().click();
  const recent = ann.locate('recentList').locator('[data-testid="recent-item"]').first();
  const receipt = ann.locate('receipt', recent);
  await receipt.getByText('seen by others (1 of 1)').waitFor();
  const done = await steps(receipt);
  assert.deepEqual(done.map(([state]) => state), ['done', 'done', 'done', 'done']);
  assert.match(done[3][1], /^seen by others \(1 of 1\) (\d+ ms|\d+ s)$/);
});

/** Hides a page, or shows it. Chromium hides none that has no window: what it would say is said. */
const show = (board, isSeen) => board.page.evaluate((state) => {
  Object.defineProperty(document, 'visibilityState', { configurable: true, value: state });
  document.dispatchEvent(new Event('visibilitychange'));
}, isSeen ? 'visible' : 'hidden');

scenario('a page that nobody looks at has not shown an edit, and has once somebody does', async ({ browser, server }) => {
  const ann = await arrive(Board, await browser.person('ann'), server, 'Ann');
  const bob = await arrive(Board, await browser.person('bob'), server, 'Bob');
  await show(bob, false);
  await rename(ann, 'Processor', 'Renamed');
  await bob.waitWidget('Renamed');
  await ann.waitPending(0);
  await ann.locate('badge').getByRole('button').first().click();
  const recent = ann.locate('recentList').locator('[data-testid="recent-item"]').first();
  const receipt = ann.locate('receipt', recent);
  await receipt.getByText('seen by others (0 of 1)').waitFor();
  await show(bob, true);
  await receipt.getByText('seen by others (1 of 1)').waitFor();
});

// The receipt of an edit: stored, sent, committed, step by step, while it waits and afterwards.

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
    const done = await steps(ann.locate('receipt', recent));
    assert.deepEqual(done.map(([state]) => state), ['done', 'done', 'done']);
    assert.match(done[2][1], /^committed v\d+ (\d+ ms|\d+ s)$/);
    assert.match(await ann.locate('badge').innerText(), /the server does not tell/);
    assert.deepEqual(await violations(ann.page), [], 'axe afterwards');
  });
}

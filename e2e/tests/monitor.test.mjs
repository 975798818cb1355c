// The monitor: the account of all edits, what coming back cost, and how fast everything is.

import assert from 'node:assert/strict';
import { arrive, cable, rename } from '../harness/acts.mjs';
import { violations } from '../harness/axe.mjs';
import { Board } from '../harness/page.mjs';
import { scenario } from '../harness/scenario.mjs';

/** Opens the monitor by keyboard. */
async function openMonitor(board) {
  await board.page.getByRole('button', { name: 'Monitor' }).focus();
  await board.page.keyboard.press('Enter');
  await board.locate('ledger').waitFor();
}

const says = (board, name, text) => board.locate(name).filter({ hasText: text }).waitFor();

scenario('the ledger adds up while the server is killed and comes back', async ({
  browser, server, expectOutage,
}) => {
  expectOutage();
  const ann = await arrive(Board, await browser.person('ann'), server, 'Ann');
  await openMonitor(ann);
  await says(ann, 'ledger', '0 made = 0 applied + 0 pending');
  await ann.page.keyboard.press('Escape');
  await rename(ann, 'Processor', 'One');
  await ann.waitPending(0);
  await server.kill9();
  await ann.waitStatus('waiting', 'connecting');
  await rename(ann, 'Memory', 'Two');
  await openMonitor(ann);
  await says(ann, 'ledger', '2 made = 1 applied + 1 pending + 0 conflicted + 0 refused');
  await server.restart();
  await says(ann, 'ledger', '2 made = 2 applied + 0 pending');
  await says(ann, 'ledger', '0 lost · 0 doubled');
  assert.equal(await ann.locate('ledger').getAttribute('data-state'), 'balanced');
});

scenario('coming back is billed by what came', async ({ browser, server }) => {
  const ann = await arrive(Board, await browser.person('ann'), server, 'Ann');
  const bob = await arrive(Board, await browser.person('bob'), server, 'Bob');
  await openMonitor(ann);
  await says(ann, 'reconnectBill', /^the whole board · values received: \d+ · [\d.]+\sKB/);
  await ann.page.keyboard.press('Escape');
  await cable(ann, false);
  for (const title of ['A', 'B', 'C']) {
    await rename(bob, title === 'A' ? 'Processor' : String.fromCharCode(title.charCodeAt(0) - 1), title);
  }
  await bob.waitPending(0);
  await cable(ann, true);
  await ann.waitWidget('C');
  await openMonitor(ann);
  await says(ann, 'reconnectBill', /^missed edits: 3 · values received: 1 · \d+\sB/);
  assert.equal(await ann.locate('reconnectBill').getAttribute('data-state'), 'delta');
});

for (const colorScheme of ['dark', 'light']) {
  scenario(`how fast everything is, for everybody to read (${colorScheme})`, async ({
    browser, server,
  }) => {
    const ann = await arrive(Board, await browser.person('ann', { colorScheme }), server, 'Ann');
    await rename(ann, 'Processor', 'One');
    await ann.waitPending(0);
    await openMonitor(ann);
    const panel = ann.locate('performance');
    await panel.filter({ hasText: /\d+ a second, longest \d+ ms/ }).waitFor();
    await panel.filter({ hasText: /p50 \d+ · p95 \d+ · p99 \d+ ms/ }).waitFor();
    const told = await panel.innerText();
    assert.match(told, /WebAssembly [\d.]+\sMB/);
    assert.match(told, /0 queued · 0 on their way · 0 need you/);
    assert.deepEqual(await violations(ann.page), [], 'axe on the monitor');
    await ann.page.keyboard.press('Escape');
    await panel.waitFor({ state: 'detached' });
    const focused = await ann.page.evaluate(() => document.activeElement.getAttribute('aria-label'));
    assert.equal(focused, 'Monitor', 'the focus is back on the button');
  });
}

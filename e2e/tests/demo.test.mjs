// The page /demo: two isolated replicas side by side, each with a cable of its own, and a server
// that can be killed from the page where it was started for that.

import assert from 'node:assert/strict';
import { rename } from '../harness/acts.mjs';
import { violations } from '../harness/axe.mjs';
import { Board } from '../harness/page.mjs';
import { scenario } from '../harness/scenario.mjs';

const KILLABLE = { options: ['--demo'] };

/** Opens the page; answers it and the boards on both sides, once both are live. */
async function openDemo(context, server, path = '/demo') {
  const page = await context.newPage();
  await page.goto(`${server.url}${path}`);
  const side = async (name) => {
    const frame = page.getByTestId(`demo-${name}`);
    await frame.waitFor({ state: 'attached' });
    const board = Board.within(page, await (await frame.elementHandle()).contentFrame());
    await board.locate('indicator').waitFor({ state: 'attached' });
    await board.waitStatus('online');
    await board.locate('widget').first().waitFor({ state: 'attached' });
    return board;
  };
  return { page, left: await side('left'), right: await side('right') };
}

async function switchCable(board, wanted) {
  await board.locate('cable').click();
  await board.page.waitForSelector(`[data-testid="cable-toggle"][data-state="${wanted}"]`);
}

const says = (board, name, text) => board.locate(name).filter({ hasText: text }).waitFor();

scenario('two titles made while cut off meet: a person sees all three, decides offline, and takes it back', async ({
  browser, server,
}) => {
  const { page, left, right } = await openDemo(await browser.person('ann'), server);
  assert.equal(await page.getByTestId('kill-server').count(), 0, 'nothing to kill');
  await switchCable(left, 'cut');
  await switchCable(right, 'cut');
  await rename(left, 'Memory', "Left's memory");
  await rename(right, 'Memory', "Right's memory");
  await says(left, 'ledger', '1 made = 0 applied + 1 pending');
  assert.equal(await right.widget("Left's memory").count(), 0, 'nothing passes between them');

  await switchCable(left, 'connected');
  await says(left, 'ledger', '1 made = 1 applied + 0 pending');
  await says(left, 'receipts', /stored here \d+ ms.*sent \d+ ms.*committed v\d+ \d+ ms/s);
  await says(left, 'receipts', 'nobody else is here');
  await switchCable(right, 'connected');
  await says(left, 'receipts', /seen by others \(1 of 1\) \d+ (ms|s)/);
  await says(right, 'reconnectBill', /^missed edits: 1 · values received: 1 · \d+\sB/);
  await says(right, 'ledger', '1 made = 0 applied + 0 pending + 1 conflicted');

  await right.locate('conflictOpen').click();
  const leaf = right.locate('conflictLeaf');
  for (const text of ['Memory', "Left's memory", "Right's memory", 'Guest left']) {
    await right.locate('conflictDialog').filter({ hasText: text }).waitFor();
  }
  assert.equal(await leaf.count(), 1);
  await right.locate('later').click();
  await switchCable(right, 'cut');
  await right.locate('conflictOpen').click();
  await right.locate('keepMine').click();
  await right.waitWidget("Right's memory");
  await left.waitWidget("Left's memory");
  await switchCable(right, 'connected');
  await left.waitWidget("Right's memory");

  await right.page.keyboard.press('Control+z');
  await left.waitWidget("Left's memory");
  await right.waitWidget("Left's memory");
  for (const board of [left, right]) await says(board, 'ledger', '0 lost · 0 doubled');
});

scenario('the server is killed from the page, editing goes on, and nothing is lost', async ({
  browser, server, expectOutage,
}) => {
  expectOutage();
  const { page, left, right } = await openDemo(await browser.person('ann'), server);
  const state = (wanted) => page.locator(`[data-testid="demo-server"][data-state="${wanted}"]`).waitFor();
  await page.getByTestId('kill-server').click();
  await server.ended();
  await state('killed');
  await left.waitStatus('waiting', 'connecting');
  await rename(left, 'Processor', 'Made without a server');
  await says(left, 'ledger', '1 made = 0 applied + 1 pending');
  await server.restart();
  await state('running');
  await right.waitWidget('Made without a server');
  await says(left, 'ledger', '1 made = 1 applied + 0 pending');
  await says(left, 'ledger', '0 lost · 0 doubled');
}, KILLABLE);

for (const colorScheme of ['dark', 'light']) {
  scenario(`on a phone one side at a time, and clean for axe (${colorScheme})`, async ({ browser, server }) => {
    const person = await browser.person('ann', { viewport: { width: 390, height: 844 }, colorScheme });
    const { page, left, right } = await openDemo(person, server, '/demo/this-machine');
    const shown = async () => [
      await page.getByTestId('demo-left').isVisible(),
      await page.getByTestId('demo-right').isVisible(),
    ];
    assert.deepEqual(await shown(), [true, false]);
    await page.getByTestId('demo-show-right').click();
    assert.deepEqual(await shown(), [false, true]);
    const overflow = (frame) =>
      frame.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    for (const part of [page, left.page, right.page]) assert.equal(await overflow(part), 0);
    await page.getByText('What to try').click();
    for (const part of [page, right.page]) assert.deepEqual(await violations(part), [], 'axe');
  }, KILLABLE);
}

// Several tabs of one profile are one replica: one of them has the connection, all show and edit
// the same, and another one takes its place when it is closed, crashed or silent.

import assert from 'node:assert/strict';
import { arrive, cable, rename, version, waitVersion } from '../harness/acts.mjs';
import { crash, silence, sockets } from '../harness/bad_days.mjs';
import { Board } from '../harness/page.mjs';
import { scenario } from '../harness/scenario.mjs';

/** Two tabs of Ann's, of which the first one has the connection, and Bob. */
async function three(browser, server) {
  const profile = await browser.person('ann');
  const opened = [];
  profile.on('page', (page) => opened.push(sockets(page)));
  const first = await arrive(Board, profile, server, 'Ann');
  const second = await arrive(Board, profile, server, 'Ann');
  const bob = await arrive(Board, await browser.person('bob'), server, 'Bob');
  assert.deepEqual(opened.map((open) => open.size), [1, 0], 'one connection for both');
  return { profile, first, second, bob, opened };
}

scenario('a second tab shows and edits the same over one connection', async ({ browser, server }) => {
  const { first, second, bob, opened } = await three(browser, server);
  await rename(second, 'Processor', 'Of the second');
  await rename(first, 'Memory', 'Of the first');
  for (const board of [first, second, bob]) {
    await board.waitWidget('Of the second');
    await board.waitWidget('Of the first');
    await board.waitPending(0);
  }
  await rename(bob, 'Disks', 'Of Bob');
  await second.waitWidget('Of Bob');
  // Samples come through the other tab.
  await second.page.waitForFunction(() => {
    const value = document.querySelector('[data-testid="stat-value"]');
    return /\d/.test(value?.innerText ?? '');
  });
  assert.deepEqual(opened.map((open) => open.size), [1, 0]);
});

scenario('the tab that is left goes on when the one with the connection is closed', async ({ browser, server }) => {
  const { first, second, bob, opened } = await three(browser, server);
  await cable(first, false);
  await rename(first, 'Processor', 'Last words');
  // A tab shows of another what is stored.
  await second.waitWidget('Last words');
  await first.close();
  await rename(second, 'Memory', 'Goes on');
  await bob.waitWidget('Last words');
  await bob.waitWidget('Goes on');
  await second.waitStatus('online');
  assert.equal(opened[1].size, 1);
});

scenario('the tab that is left goes on when the one with the connection crashes', async ({ browser, server }) => {
  const { first, second, bob } = await three(browser, server);
  await crash(first, browser.errors);
  await rename(second, 'Memory', 'Goes on');
  await bob.waitWidget('Goes on');
  await second.waitStatus('online');
});

scenario('a silent tab is replaced, and follows when it wakes up', async ({ browser, server }) => {
  const { first, second, bob, opened } = await three(browser, server);
  const before = await version(bob);
  const wake = await silence(first);
  await rename(second, 'Memory', 'Goes on');
  await bob.waitWidget('Goes on');
  await second.waitStatus('online');
  await wake();
  await first.waitWidget('Goes on');
  await rename(first, 'Processor', 'Awake again');
  await bob.waitWidget('Awake again');
  await first.waitStatus('online');
  assert.equal(await version(bob), before + 2, 'each edit made one version');
  assert.deepEqual(opened.map((open) => open.size), [0, 1]);
});

scenario('what both tabs edit without a server arrives once', async ({ browser, server, expectOutage }) => {
  expectOutage();
  const { first, second, bob } = await three(browser, server);
  const before = await version(bob);
  await server.kill9();
  await first.waitStatus('waiting', 'connecting');
  await second.waitStatus('waiting', 'connecting');
  await rename(first, 'Processor', 'Processor of the first');
  await rename(second, 'Memory', 'Memory of the second');
  await second.waitWidget('Processor of the first');
  await rename(second, 'Processor of the first', 'Processor of both');
  for (const board of [first, second]) {
    await board.waitWidget('Memory of the second');
    await board.waitWidget('Processor of both');
    await board.waitPending(3);
  }
  await server.restart();
  for (const board of [first, second, bob]) {
    await waitVersion(board, before + 3);
    await board.waitWidget('Memory of the second');
    await board.waitWidget('Processor of both');
    await board.waitPending(0);
  }
  assert.equal(await version(bob), before + 3, 'three edits made three versions');
});

scenario('another replica of the same profile is another person', async ({ browser, server }) => {
  const profile = await browser.person('ann');
  const first = await arrive(Board, profile, server, 'Ann');
  const second = await arrive(Board, profile, server, 'Ann two', { replica: 'two' });
  await rename(second, 'Memory', 'Memory of two');
  await first.waitWidget('Memory of two');
});

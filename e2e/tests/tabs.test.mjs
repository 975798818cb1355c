// Several tabs of one profile are one replica: one of them has the connection, all show and edit
// the same, and another one takes its place when it is closed, crashed or silent.

import assert from 'node:assert/strict';
import { arrive, cable, rename, unlock, version, waitVersion } from '../harness/acts.mjs';
import { crash, silence, sockets } from '../harness/bad_days.mjs';
import { Board } from '../harness/page.mjs';
import { keptScenario, LetGo, scenario } from '../harness/scenario.mjs';

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

// What browsers say of a header that counts for nothing on plain http.
const IGNORED = /Cross-Origin-Opener-Policy header has been ignored/;

const far = (server) => ({ url: server.url.replace('127.0.0.1', 'lan.test') });

scenario('on plain http, where there are no locks, a lease says who goes on', async ({ browser, server }) => {
  browser.errors.expect(IGNORED);
  const { first, second, bob, opened } = await three(browser, far(server));
  assert.equal(await first.page.evaluate(() => typeof navigator.locks), 'undefined');
  await rename(second, 'Processor', 'Of the second');
  await bob.waitWidget('Of the second');

  await first.close();
  await rename(second, 'Memory', 'Goes on');
  await bob.waitWidget('Goes on');
  assert.equal(opened[1].size, 1);

  const third = await arrive(Board, second.page.context(), far(server), 'Ann');
  assert.equal(opened[2].size, 0);
  await crash(second, browser.errors);
  await rename(third, 'Disks', 'After the crash');
  await bob.waitWidget('After the crash');
}, { options: ['--insecure'] });

scenario('a silent holder of the lease is replaced, and follows when it wakes up', async ({ browser, server }) => {
  browser.errors.expect(IGNORED);
  const { first, second, bob, opened } = await three(browser, far(server));
  const wake = await silence(first);
  await rename(second, 'Memory', 'Goes on');
  await bob.waitWidget('Goes on');
  await wake();
  await rename(first, 'Processor', 'Awake again');
  await bob.waitWidget('Awake again');
  assert.deepEqual(opened.map((open) => open.size), [0, 1]);
}, { options: ['--insecure'] });

/** Moves the clock of all pages of a profile, those that are opened later included. */
async function moveClock(context, milliseconds) {
  const move = (by) => {
    const now = (globalThis.trueNow ??= Date.now);
    Date.now = () => now() + by;
  };
  await context.addInitScript(move, milliseconds);
  for (const page of context.pages()) await page.evaluate(move, milliseconds);
}

for (const [where, place] of [['with locks', (server) => server], ['with a lease', far]]) {
  scenario(`a clock that jumps changes nothing for tabs ${where}`, async ({ browser, server }) => {
    browser.errors.expect(IGNORED);
    const { profile, first, second, bob, opened } = await three(browser, place(server));
    const before = await version(bob);
    const day = 86_400_000;
    await moveClock(profile, 400 * day);
    await rename(second, 'Processor', 'Next year');
    await bob.waitWidget('Next year');
    await moveClock(profile, -9000 * day);
    await rename(first, 'Memory', 'Last century');
    await bob.waitWidget('Last century');
    await first.close();
    await rename(second, 'Disks', 'Goes on');
    await bob.waitWidget('Goes on');
    assert.equal(await version(bob), before + 3, 'each edit made one version');
    assert.equal(opened[1].size, 1);
  }, { options: ['--insecure'] });
}

scenario('whoever signs in in another tab does not send what somebody else made', async ({ browser, server }) => {
  const { profile, first, second, bob } = await three(browser, server);
  await cable(first, false);
  await rename(first, 'Processor', 'Made by Ann');
  await second.waitWidget('Made by Ann');

  const guest = await Board.open(profile, server, { path: '/?name=Carl' });
  await guest.waitStatus('closed');
  await guest.locate('indicator').getByRole('button').click();
  await guest.page.getByText('this copy holds edits of Ann that are not settled').waitFor();
  assert.equal(await bob.widget('Made by Ann').count(), 0);
  // What he makes would go as hers.
  await unlock(guest);
  await guest.locate('widgetRemove', guest.widget('Disks')).click();
  await guest.locate('toast').filter({ hasText: 'sign in as Ann' }).waitFor();
  await guest.waitWidget('Disks');
  await guest.close();
  await bob.waitWidget('Made by Ann');
  await bob.waitWidget('Disks');
  for (const board of [first, second]) await board.waitPending(0);

  // Nothing waits any more: now the copy is Carl's.
  const carl = await arrive(Board, profile, server, 'Carl');
  await rename(carl, 'Memory', 'Made by Carl');
  await bob.waitWidget('Made by Carl');
  await carl.locate('indicator').getByRole('button').click();
  await carl.page.getByText('Carl', { exact: true }).first().waitFor();
});

/** Throws unless the page that was gone back to is the one that was left. */
async function expectKept(page) {
  const { isTheSame, reasons } = await page.evaluate(() => ({
    isTheSame: globalThis.isTheSame,
    reasons: performance.getEntriesByType('navigation')[0].notRestoredReasons,
  }));
  if (!isTheSame) throw new LetGo(`the browser let go of the page: ${JSON.stringify(reasons)}`);
}

keptScenario('a tab that is left and gone back to shows what happened meanwhile', async ({ browser, server }) => {
  const { first, second, bob, opened } = await three(browser, server);
  await first.page.evaluate(() => { globalThis.isTheSame = true; });
  browser.errors.expect(/favicon/);
  await first.page.goto(`${server.url}/healthz`);
  await rename(second, 'Processor', 'While away');
  await bob.waitWidget('While away');
  assert.equal(opened[1].size, 1);
  const again = sockets(first.page);
  await first.page.goBack({ waitUntil: 'commit' });
  await first.waitWidget('While away');
  await expectKept(first.page);
  await rename(first, 'Memory', 'Back again');
  await bob.waitWidget('Back again');
  assert.deepEqual([again.size, opened[1].size], [0, 1], 'it follows');
});

keptScenario('a tab that is put away does not wait for the lead any more', async ({ browser, server }) => {
  const { first, second } = await three(browser, server);
  const waiting = (count) => first.page.waitForFunction(
    async (count) => (await navigator.locks.query()).pending.length === count, count,
  );
  await waiting(1);
  browser.errors.expect(/favicon/);
  await second.page.evaluate(() => { globalThis.isTheSame = true; });
  await second.page.goto(`${server.url}/healthz`);
  await waiting(0);
  await second.page.goBack({ waitUntil: 'commit' });
  await expectKept(second.page);
  await waiting(1);
});

scenario('a tab of another format that leads is left the lead, and named', async ({ browser, server }) => {
  browser.errors.expect(/favicon/);
  const profile = await browser.person('ann');
  const other = await profile.newPage();
  await other.goto(`${server.url}/healthz`);
  await other.evaluate(() => {
    const channel = globalThis.channel = new BroadcastChannel('driftless/default');
    const leads = new Uint8Array([99, 1]);
    globalThis.asked = 0;
    channel.onmessage = () => {
      globalThis.asked += 1;
      channel.postMessage(leads);
    };
    return new Promise((resolve) => {
      navigator.locks.request('driftless/default', () => {
        resolve();
        return new Promise((letGo) => { globalThis.letGo = letGo; });
      });
    });
  });
  const ann = await Board.open(profile, server, { path: '/?name=Ann' });
  await ann.waitStatus('closed');
  await ann.locate('indicator').getByRole('button').click();
  await ann.page.getByText('another version of this page: reload this one').waitFor();
  // It has missed an answer of its own format more than once by then.
  await other.waitForFunction(() => globalThis.asked >= 6);
  const holders = await other.evaluate(async () => (await navigator.locks.query()).held.length);
  assert.equal(holders, 1);
  await other.evaluate(() => {
    globalThis.channel.close();
    globalThis.letGo();
  });
  await ann.waitStatus('online');
});

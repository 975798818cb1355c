// Links with a token: they sign in, leave no trace in the address, and can be replaced.

import assert from 'node:assert/strict';
import { arrive, cable, rename, unlock } from '../harness/acts.mjs';
import { violations } from '../harness/axe.mjs';
import { Board } from '../harness/page.mjs';
import { scenario } from '../harness/scenario.mjs';

const tokenFor = async (server, name, ...more) => {
  const command = ['token', 'create', '--name', name, '--url', server.url, '--json', ...more];
  return JSON.parse(await server.run(...command));
};

const pathOf = (link) => link.slice(new URL(link).origin.length);

scenario('a link signs in, and another one after it was revoked', async ({ browser, server, expectOutage }) => {
  expectOutage();
  const first = await tokenFor(server, 'Ann', '--role', 'owner');
  const ann = await Board.open(await browser.person('ann'), server, { path: pathOf(first.link) });
  await ann.waitStatus('online');
  assert.equal(new URL(ann.page.url()).hash, '', 'the token is not in the address');
  const history = await ann.page.evaluate(() => history.length);
  assert.ok(history <= 2, 'and no entry of the history was added for it');
  await ann.page.reload();
  await ann.waitStatus('online');
  await unlock(ann);
  await rename(ann, 'Processor', 'Mine');

  await server.run('token', 'revoke', String(first.number));
  await ann.waitStatus('unauthorised');
  const notice = ann.locate('signInNotice');
  await notice.waitFor();
  assert.match(await notice.innerText(), /was revoked; ask for a new link/);
  await rename(ann, 'Memory', 'Written meanwhile');

  const second = await tokenFor(server, 'Ann');
  await ann.page.goto(server.url + pathOf(second.link));
  await ann.waitStatus('online');
  await notice.waitFor({ state: 'detached' });
  assert.equal(new URL(ann.page.url()).hash, '');

  const bob = await tokenFor(server, 'Bob', '--role', 'viewer');
  const bobs = await Board.open(await browser.person('bob'), server, { path: pathOf(bob.link) });
  await bobs.waitWidget('Written meanwhile');
});

scenario('what somebody made before a server knew them is not sent as who comes back first', async ({
  browser, server, expectOutage,
}) => {
  expectOutage();
  const profile = await browser.person('shared');
  const first = await arrive(Board, profile, server, 'Ann');
  await first.page.waitForSelector('html[data-shell="kept"]', { state: 'attached' });
  await server.kill9();
  await first.close();

  const bob = await Board.open(profile, server, { path: '/?name=Bob' });
  await rename(bob, 'Processor', 'Bob’s');
  await bob.waitPending(1);
  await bob.close();

  await server.restart();
  const ann = await arrive(Board, profile, server, 'Ann');
  await ann.waitPending(1);
  await rename(ann, 'Memory', 'Ann’s');
  const other = await arrive(Board, await browser.person('other'), server, 'Cleo');
  await other.waitWidget('Ann’s');
  assert.equal(await other.widget('Processor').count(), 1, 'his is not sent as hers');
  await ann.locate('badge').click();
  const waiting = ann.locate('pendingItem');
  assert.match(await waiting.innerText(), /Made with another token, before a server had said whose/);
  assert.deepEqual(await violations(ann.page), []);
  await ann.locate('retry', waiting).click();
  await other.waitWidget('Bob’s');
  await ann.waitPending(0);
});

scenario('who has no link is told what to do', async ({ browser, server, expectOutage }) => {
  expectOutage();
  await tokenFor(server, 'Ann', '--role', 'owner');
  const guest = await Board.open(await browser.person('guest'), server);
  await guest.waitStatus('unauthorised');
  assert.match(await guest.locate('signInNotice').innerText(), /open the link that you were given/);
});

scenario(
  'everything works below a base path',
  async ({ browser, server }) => {
    const ann = await arrive(Board, await browser.person('ann'), server, 'Ann', { path: '/boards/?name=Ann' });
    await rename(ann, 'Processor', 'Below');
    const bob = await Board.open(await browser.person('bob'), server, { path: '/boards/b/this-machine?name=Bob' });
    await bob.waitWidget('Below');
  },
  { base: '/boards' },
);

scenario(
  'who may no longer see a board is told in every tab, and keeps what was not sent',
  async ({ browser, server, expectOutage }) => {
    expectOutage();
    await tokenFor(server, 'Ann', '--role', 'owner');
    const link = await tokenFor(server, 'Bob', '--role', 'editor');
    const context = await browser.person('bob');
    const bob = await Board.open(context, server, { path: pathOf(link.link) });
    await bob.waitWidget('Processor');
    const beside = await Board.open(context, server);
    await beside.waitWidget('Processor');
    await unlock(bob);
    await cable(bob, false);
    await rename(bob, 'Processor', 'Bob’s');
    await bob.waitPending(1);

    await server.run('role', 'set', 'none', '--name', 'Bob');
    await cable(bob, true);
    for (const tab of [bob, beside]) {
      await tab.locate('boardRefused').waitFor();
      assert.match(await tab.locate('boardRefused').innerText(), /may (not|no longer) read the board/);
      assert.equal(await tab.locate('widget').count(), 0);
      await tab.waitPending(1);
    }
    assert.deepEqual(await violations(bob.page), []);

    await server.run('role', 'set', 'editor', '--name', 'Bob');
    await bob.page.reload();
    await bob.waitWidget('Bob’s');
    await bob.waitPending(0);
    await beside.waitWidget('Bob’s');
  },
);

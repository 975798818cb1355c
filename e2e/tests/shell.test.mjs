// The page itself: it opens without a server, and a new build takes nothing from an open tab.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrive, rename, version, waitVersion } from '../harness/acts.mjs';
import { Deployment } from '../harness/deploy.mjs';
import { Board } from '../harness/page.mjs';
import { play, scenario } from '../harness/scenario.mjs';
import { Server } from '../harness/server.mjs';

/** Waits until this device has a copy of the page. */
const kept = (board) => board.page.waitForSelector('html[data-shell="kept"]', { state: 'attached' });

/** The build that a page runs. */
const buildOf = (board) =>
  board.page.locator('script[src$="/boot.js"]').evaluate((script) => script.src.split('/').at(-2));

/** The widgets that say that they are as the server has them. */
const live = (board) => board.page.locator('[data-part="widget"][data-state="live"]');

const newer = (board) => board.locate('newerBuild');

/** Reloads while there is no server, and waits for the board as it is stored. */
async function reloadAlone(board) {
  await board.reload();
  await board.page.waitForSelector('[data-testid="board"][data-loaded="true"]');
  await board.locate('widget').first().waitFor();
  await board.waitStatus('waiting', 'connecting');
}

/** Everything in the page's caches, as paths; those that only name a build, as names. */
const cached = (board) =>
  board.page.evaluate(async () => {
    const found = {};
    for (const name of await caches.keys()) {
      const requests = await (await caches.open(name)).keys();
      found[name.split(' ').at(-1)] = requests.map(({ url }) => new URL(url).pathname);
    }
    return found;
  });

function opensAlone(base) {
  return async ({ browser, server, expectOutage }) => {
    expectOutage();
    const profile = await browser.person('ann');
    let ann = await arrive(Board, profile, server, 'Ann', { path: `${base}/?name=Ann` });
    await kept(ann);
    await live(ann).first().waitFor();
    const before = await version(ann);

    await server.kill9();
    await reloadAlone(ann);
    await rename(ann, 'Processor', 'Named without a server');
    await ann.waitPending(1);
    // What is shown is from before, and says so: nothing is live.
    assert.equal(await live(ann).count(), 0);

    // Another tab on another of the app's paths, after this one was closed.
    await ann.close();
    ann = await Board.open(profile, server, { path: `${base}/b/this-machine?name=Ann` });
    await ann.waitWidget('Named without a server');
    await ann.waitPending(1);
    for (const path of ['healthz', 'metrics', 'api/boards']) {
      const answer = ann.page.evaluate((address) => fetch(address), `${base}/${path}`);
      await assert.rejects(answer, /Failed to fetch/, `${path} comes from the server or not at all`);
    }
    const copies = Object.values(await cached(ann)).flat();
    const foreign = copies.filter((path) => path !== `${base}/` && !path.startsWith(`${base}/assets/`));
    assert.deepEqual(foreign, [], 'nothing but the page and its files is kept');

    await server.restart();
    await ann.waitPending(0);
    await waitVersion(ann, before + 1);
    const bob = await arrive(Board, await browser.person('bob'), server, 'Bob', {
      path: `${base}/?name=Bob`,
    });
    await bob.waitWidget('Named without a server');
    assert.equal(await version(bob), before + 1, 'one edit made one version');
  };
}

scenario('a board that was open once opens without a server, and its edits arrive once', opensAlone(''));

scenario('below a base path, too', opensAlone('/boards'), { base: '/boards' });

/** A test with a deployment of its own, behind one server. */
function deployed(name, body, options = {}) {
  test(name, async () => {
    const deployment = await Deployment.make();
    const server = await Server.start({ web: deployment.folder, ...options });
    try {
      await play(name, { server, deployment }, body);
    } finally {
      await server.dispose();
      await deployment.dispose();
    }
  });
}

deployed('a new build is announced, and the old tab works on until it is reloaded', async ({
  browser, server, deployment, expectOutage,
}) => {
  expectOutage();
  const profile = await browser.person('ann');
  const old = await arrive(Board, profile, server, 'Ann');
  await kept(old);
  const first = deployment.build;

  await server.stop();
  await deployment.next('00000000000000b2');
  await server.restart();
  await newer(old).waitFor();
  assert.equal(await buildOf(old), first, 'nothing was reloaded by itself');

  // The server has the old files no more; the old tab still gets its own.
  const style = `/assets/${first}/app.css`;
  assert.equal((await fetch(`${server.url}${style}`)).status, 404);
  assert.equal(await old.page.evaluate(async (path) => (await fetch(path)).status, style), 200);
  await old.waitStatus('online');
  await rename(old, 'Processor', 'By the old build');

  // Both builds at once, on one device and on two.
  const bob = await arrive(Board, await browser.person('bob'), server, 'Bob');
  assert.equal(await buildOf(bob), deployment.build);
  await bob.waitWidget('By the old build');
  const second = await arrive(Board, profile, server, 'Ann two', { replica: 'two' });
  assert.equal(await buildOf(second), deployment.build);
  assert.equal(await newer(second).count(), 0, 'it runs the newest');
  await rename(second, 'Memory', 'By the new build');
  await old.waitWidget('By the new build');

  await old.locate('reload').click();
  await newer(old).waitFor({ state: 'detached' });
  await old.waitStatus('online');
  assert.equal(await buildOf(old), deployment.build);

  // Once no tab of the old build is left, nor is its copy.
  await old.close();
  await second.close();
  const last = await arrive(Board, profile, server, 'Ann');
  await last.page.waitForFunction(
    async (build) => !(await caches.keys()).some((name) => name.endsWith(build)),
    first,
  );
  assert.deepEqual(Object.keys(await cached(last)).sort(), [deployment.build, 'newest'].sort());
});

deployed('a build that came while the tab was offline is taken when the tab is reloaded', async ({
  browser, server, deployment, expectOutage,
}) => {
  expectOutage();
  const profile = await browser.person('ann');
  const ann = await arrive(Board, profile, server, 'Ann');
  await kept(ann);
  const [first, before] = [deployment.build, await version(ann)];

  await server.kill9();
  await reloadAlone(ann);
  await rename(ann, 'Processor', 'Between the builds');
  await ann.waitPending(1);
  await deployment.next('00000000000000c3');
  await server.restart();
  await newer(ann).waitFor();
  await ann.waitPending(0);
  assert.equal(await buildOf(ann), first);

  // The new build was stored whole: it starts without a server while a tab of the old is open.
  await server.kill9();
  const other = await Board.open(profile, server, { path: '/?name=Ann', replica: 'two' });
  assert.equal(await buildOf(other), deployment.build);
  await reloadAlone(ann);
  assert.equal(await buildOf(ann), deployment.build);
  await server.restart();
  await ann.waitStatus('online');
  await waitVersion(ann, before + 1);
  assert.equal(await version(ann), before + 1, 'one edit made one version');
});

deployed('a deployment that broke off leaves the build before', async ({
  browser, server, deployment, expectOutage,
}) => {
  expectOutage();
  browser.errors.expect(/Failed to load resource: .* 404/);
  const profile = await browser.person('ann');
  const ann = await arrive(Board, profile, server, 'Ann');
  await kept(ann);
  const first = deployment.build;

  await server.stop();
  await deployment.next('00000000000000d4');
  await deployment.lose('driftless_dashboard_bg.wasm');
  const failed = ann.page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    await new Promise((resolve) => {
      registration.addEventListener('updatefound', () => {
        const worker = registration.installing;
        worker.addEventListener('statechange', () => worker.state === 'redundant' && resolve());
      });
    });
  });
  await server.restart();
  await failed;
  assert.equal(await newer(ann).count(), 0);
  await server.kill9();
  await reloadAlone(ann);
  assert.equal(await buildOf(ann), first);
  assert.deepEqual(Object.keys(await cached(ann)).sort(), [first, 'newest'].sort());
});

scenario('a copy that the browser cleared is made again', async ({ browser, server, expectOutage }) => {
  expectOutage();
  const ann = await arrive(Board, await browser.person('ann'), server, 'Ann');
  await kept(ann);
  for (const spared of [undefined, 'newest']) {
    await ann.page.evaluate(async (left) => {
      const names = await caches.keys();
      for (const name of names) if (!name.endsWith(` ${left}`)) await caches.delete(name);
    }, spared);
    await ann.reload();
    await kept(ann);
    await ann.waitStatus('online');
  }
  await server.kill9();
  await reloadAlone(ann);
});

scenario('a browser that cannot read its copy gets the page from the server', async ({ browser, server }) => {
  const profile = await browser.person('ann');
  const ann = await arrive(Board, profile, server, 'Ann');
  await kept(ann);
  await ann.page.waitForFunction(() => navigator.serviceWorker.controller);
  const [worker] = profile.serviceWorkers();
  await worker.evaluate(() => {
    self.caches.match = () => Promise.reject(new Error('the disk is broken'));
  });
  await ann.reload();
  await ann.waitStatus('online');
});

deployed('a build that is rolled back is announced no more', async ({
  browser, server, deployment, expectOutage,
}) => {
  expectOutage();
  const ann = await arrive(Board, await browser.person('ann'), server, 'Ann');
  await kept(ann);
  const first = deployment.build;
  await server.stop();
  await deployment.next('00000000000000e5');
  await server.restart();
  await newer(ann).waitFor();
  await server.stop();
  await deployment.next(first);
  await server.restart();
  await newer(ann).waitFor({ state: 'detached' });
  assert.equal(await buildOf(ann), first);
});

scenario('on plain http from another machine the page says what it cannot do', async ({
  browser, server, expectOutage,
}) => {
  expectOutage();
  // What browsers say of a header that counts for nothing there.
  browser.errors.expect(/Cross-Origin-Opener-Policy header has been ignored/);
  const far = { url: server.url.replace('127.0.0.1', 'lan.test') };
  const ann = await arrive(Board, await browser.person('ann'), far, 'Ann');
  assert.equal(await ann.page.evaluate(() => isSecureContext), false);
  await ann.locate('indicator').getByRole('button').click();
  await ann.page.getByText('reloading offline needs HTTPS').waitFor();
  await server.kill9();
  await ann.locate('keepOpen').waitFor();
  assert.match(await ann.locate('keepOpen').innerText(), /^Reloading offline needs HTTPS: keep/);
  await server.restart();
  await ann.waitStatus('online');
  await ann.locate('keepOpen').waitFor({ state: 'detached' });
}, { options: ['--insecure'] });

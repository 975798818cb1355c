// A page that stays open while its server becomes another build, and becomes the former one again:
// `cargo xtask upgrade` runs it. The page runs from its service worker, beside a server that has
// files of another build.

import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { arrive, rename, version, waitVersion } from '../harness/acts.mjs';
import { Board } from '../harness/page.mjs';
import { scenario } from '../harness/scenario.mjs';

const {
  DRIFTLESS_OLDER, DRIFTLESS_OLDER_WEB, DRIFTLESS_SERVER, DRIFTLESS_WEB,
} = process.env;
const OLDER = { executable: DRIFTLESS_OLDER, web: DRIFTLESS_OLDER_WEB };
const NEWER = { executable: DRIFTLESS_SERVER, web: DRIFTLESS_WEB };

/** The build that a page runs. */
const buildOf = (board) =>
  board.page.locator('script[src$="/boot.js"]').evaluate((script) => script.src.split('/').at(-2));

/** The copy that the newer build made before it brought the file up to date, if it had to. */
async function keptCopy(server) {
  const names = await readdir(server.data);
  const copies = names.filter((name) => /^driftless\.db\.format-.*(?<!-lock)$/.test(name));
  return copies.sort().at(-1);
}

/** What an operator does to go back. */
async function goBack(server) {
  await server.stop();
  server.become(OLDER);
  const copy = await keptCopy(server);
  if (copy === undefined) return false;
  await assert.rejects(
    server.run('serve', '--listen', '127.0.0.1:0'),
    /update this build, nothing is lost/,
  );
  await server.run('restore', join(server.data, copy));
  return true;
}

/** Waits until a pending edit became a conflict, and lets it stand. */
async function keepMine(board) {
  await board.locate('conflictOpen').click();
  await board.locate('keepMine').click();
  await board.locate('conflictDialog').waitFor({ state: 'hidden' });
}

/** Does again what was offered again. */
async function retryAll(board) {
  await board.locate('badge').getByRole('button').first().click();
  await board.locate('retryAll').click();
  await board.page.keyboard.press('Escape');
}

scenario('a page that stays open over an upgrade and over the way back has every edit applied once', async ({
  browser, server, expectOutage,
}) => {
  expectOutage();
  const profile = await browser.person('ann');
  const ann = await arrive(Board, profile, server, 'Ann');
  await ann.page.waitForSelector('html[data-shell="kept"]', { state: 'attached' });
  const [older, start] = [await buildOf(ann), await version(ann)];
  const [one, two, three, four, five] = await ann.widgetTitles();
  await rename(ann, one, 'Before');
  await waitVersion(ann, start + 1);
  await ann.waitPending(0);

  // Forward: the older page goes on beside the newer server.
  await server.stop();
  await rename(ann, two, 'During the upgrade');
  await ann.waitPending(1);
  server.become(NEWER);
  await server.restart();
  await ann.waitPending(0);
  await rename(ann, three, 'After the upgrade');
  await ann.waitPending(0);
  const bob = await arrive(Board, await browser.person('bob'), server, 'Bob');
  assert.equal(await buildOf(ann), older, 'nothing was reloaded by itself');
  assert.notEqual(await buildOf(bob), older, 'the newer server has other pages');
  for (const title of ['Before', 'During the upgrade', 'After the upgrade']) await bob.waitWidget(title);
  assert.equal(await version(bob), start + 3, 'three edits made three versions');

  // Back: both pages stay, the newer one beside the older server.
  const wentBackInTime = await goBack(server);
  await rename(ann, four, 'During the downgrade');
  await rename(bob, five, 'By the newer page');
  await server.restart();
  if (wentBackInTime) {
    // The older file lacks what came after it: that is offered to whoever made it. What was pending
    // rests on a state that nobody has any more, and is asked about.
    await bob.waitPending(1);
    await keepMine(bob);
    await ann.waitPending(3);
    await keepMine(ann);
    await ann.waitPending(2);
    await retryAll(ann);
  }
  const all = [
    'Before', 'During the upgrade', 'After the upgrade', 'During the downgrade', 'By the newer page',
  ];
  for (const board of [ann, bob]) {
    await board.waitPending(0);
    await waitVersion(board, start + all.length);
    for (const title of all) await board.waitWidget(title);
  }
  const eve = await arrive(Board, await browser.person('eve'), server, 'Eve');
  assert.equal(await buildOf(eve), older);
  assert.equal(await version(eve), start + all.length, 'five edits made five versions');

  // And forward again: reloaded, the page is the newer one, with everything.
  await server.stop();
  server.become(NEWER);
  await server.restart();
  await ann.locate('newerBuild').waitFor();
  await ann.locate('reload').click();
  await ann.locate('newerBuild').waitFor({ state: 'detached' });
  await ann.waitStatus('online');
  assert.equal(await buildOf(ann), await buildOf(bob));
  for (const title of all) await ann.waitWidget(title);
  assert.equal(await version(ann), start + all.length);
}, OLDER);

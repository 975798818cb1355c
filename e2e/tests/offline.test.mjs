// The server dies, editing goes on, the tab is closed: every edit arrives, once.

import assert from 'node:assert/strict';
import {
  add, arrive, cable, record, rename, version, waitVersion, writeNote,
} from '../harness/acts.mjs';
import { Board } from '../harness/page.mjs';
import { scenario } from '../harness/scenario.mjs';

scenario('edits made while the server is dead survive the tab and arrive once', async ({
  browser, server, expectOutage,
}) => {
  expectOutage();
  const profile = await browser.person('ann');
  let ann = await arrive(Board, profile, server, 'Ann');
  const before = await version(ann);

  await server.kill9();
  await ann.waitStatus('waiting', 'connecting');
  await rename(ann, 'Processor', 'Processor 1');
  await rename(ann, 'Memory', 'Memory 1');
  await writeNote(ann, ann.widget('Welcome'), 'Written on a train');
  const added = await add(ann, 'stat');
  await record(ann, added).getByText('No data on this device').waitFor();
  await ann.waitPending(4);
  await ann.close();

  await server.restart();
  ann = await arrive(Board, profile, server, 'Ann');
  await ann.waitPending(0);
  await waitVersion(ann, before + 4);
  const bob = await arrive(Board, await browser.person('bob'), server, 'Bob');
  for (const board of [ann, bob]) {
    await board.waitWidget('Processor 1');
    await board.waitWidget('Memory 1');
    await record(board, added).waitFor();
    await board.page.getByText('Written on a train').waitFor();
  }
  assert.equal(await version(bob), before + 4, 'four edits made four versions');
});

scenario('a cut cable counts edits, and plugging it in sends them', async ({ browser, server }) => {
  const ann = await arrive(Board, await browser.person('ann'), server, 'Ann');
  const bob = await arrive(Board, await browser.person('bob'), server, 'Bob');
  const before = await version(bob);
  await cable(ann, false);
  await rename(ann, 'Processor', 'Offline title');
  await ann.waitPending(1);
  assert.equal(await version(bob), before, 'nothing left this page');
  await cable(ann, true);
  await ann.waitStatus('online');
  await bob.waitWidget('Offline title');
  await ann.waitPending(0);
});

scenario('what others did while the server was dead to us is there after it comes back', async ({
  browser, server, expectOutage,
}) => {
  expectOutage();
  const ann = await arrive(Board, await browser.person('ann'), server, 'Ann');
  await server.kill9();
  await ann.waitStatus('waiting', 'connecting');
  await server.restart();
  const bob = await arrive(Board, await browser.person('bob'), server, 'Bob');
  await rename(bob, 'Disks', 'Disks of Bob');
  await ann.waitWidget('Disks of Bob');
  await ann.waitStatus('online');
});

scenario('a page that comes back without a server says what its widgets wait for', async ({
  browser, server, expectOutage,
}) => {
  expectOutage();
  const profile = await browser.person('ann');
  const ann = await arrive(Board, profile, server, 'Ann');
  await ann.locate('statValue').first().waitFor();
  await ann.page.waitForSelector('html[data-shell="kept"]', { state: 'attached' });
  await server.kill9();
  await ann.reload();
  await ann.waitStatus('waiting', 'connecting');
  const processor = ann.widget('Processor');
  await processor.getByText('No data on this device').waitFor();
  await processor.getByText('offline: waiting for the server').waitFor({ state: 'attached' });
  assert.equal(await processor.getAttribute('data-state'), 'offline');
  await server.restart();
  await ann.locate('statValue').first().waitFor();
});

// The server as it is shipped, installed in an empty folder: `cargo xtask dist` runs it.

import assert from 'node:assert/strict';
import { add, arrive, rename } from '../harness/acts.mjs';
import { Board } from '../harness/page.mjs';
import { scenario } from '../harness/scenario.mjs';

scenario('an installed server shows its board, takes an edit and has it after a restart', async (given) => {
  const { browser, server, expectOutage } = given;
  expectOutage();
  const ann = await arrive(Board, await browser.person('ann'), server, 'Ann');
  await rename(ann, 'Processor', 'Installed');
  await add(ann, 'note');
  await ann.waitPending(0);
  await server.kill9();
  await server.restart();
  const bob = await arrive(Board, await browser.person('bob'), server, 'Bob');
  await bob.waitWidget('Installed');
  const scripts = await bob.page.locator('script[src]').evaluateAll((all) => all.map((one) => one.src));
  assert.ok(scripts.length > 0 && scripts.every((source) => source.startsWith(server.url)), 'nothing comes from elsewhere');
});

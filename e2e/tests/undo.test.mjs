// A person undoes what they did and does it again, by key and from the toast; what somebody else
// wrote since stays.

import assert from 'node:assert/strict';
import { arrive, cable, rename, unlock } from '../harness/acts.mjs';
import { Board } from '../harness/page.mjs';
import { scenario } from '../harness/scenario.mjs';

const UNDO = 'Control+z';
const REDO = 'Control+Shift+z';

async function two(browser, server) {
  const ann = await arrive(Board, await browser.person('ann'), server, 'Ann');
  const bob = await arrive(Board, await browser.person('bob'), server, 'Bob');
  return { ann, bob };
}

scenario('a rename is undone and done again, on every screen', async ({ browser, server }) => {
  const { ann, bob } = await two(browser, server);
  await rename(ann, 'Processor', 'Cores');
  await bob.waitWidget('Cores');
  await ann.page.keyboard.press(UNDO);
  await bob.waitWidget('Processor');
  await ann.page.keyboard.press(REDO);
  await bob.waitWidget('Cores');
  await ann.waitPending(0);
});

scenario('an undo leaves what somebody wrote since', async ({ browser, server }) => {
  const { ann, bob } = await two(browser, server);
  await rename(ann, 'Processor', 'Title of Ann');
  await bob.waitWidget('Title of Ann');
  await rename(bob, 'Title of Ann', 'Title of Bob');
  await ann.waitWidget('Title of Bob');
  await ann.page.keyboard.press(UNDO);
  const told = ann.locate('toast').filter({ hasText: 'left as it is' });
  await told.waitFor();
  await ann.waitWidget('Title of Bob');
});

scenario('what was never sent is undone without a trace', async ({ browser, server }) => {
  const { ann, bob } = await two(browser, server);
  await cable(ann, false);
  await rename(ann, 'Processor', 'Oops');
  await ann.waitPending(1);
  await ann.page.keyboard.press(UNDO);
  await ann.waitWidget('Processor');
  await ann.waitPending(0);
  await cable(ann, true);
  await ann.waitStatus('online');
  assert.equal(await bob.widget('Oops').count(), 0);
});

scenario('a removed widget comes back from the toast', async ({ browser, server }) => {
  const { ann, bob } = await two(browser, server);
  await unlock(ann);
  await ann.locate('widgetRemove', ann.widget('Processor')).click();
  await bob.waitNoWidget('Processor');
  await ann.locate('toastAction').first().click();
  await bob.waitWidget('Processor');
});

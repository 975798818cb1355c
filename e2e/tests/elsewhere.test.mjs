// Two tabs of one profile are one replica: only one of them is in use, and it can be changed.

import assert from 'node:assert/strict';
import { arrive, rename, unlock } from '../harness/acts.mjs';
import { Board } from '../harness/page.mjs';
import { scenario } from '../harness/scenario.mjs';

const elsewhere = (board) => board.page.locator('[data-testid="open-elsewhere"]');

scenario('a second tab takes the board over when asked', async ({ browser, server }) => {
  const profile = await browser.person('ann');
  const first = await arrive(Board, profile, server, 'Ann');
  const bob = await arrive(Board, await browser.person('bob'), server, 'Bob');

  const second = await Board.open(profile, server, { path: '/?name=Ann' });
  const [idle, other] = await Promise.race([
    elsewhere(second).waitFor().then(() => [second, first]),
    elsewhere(first).waitFor().then(() => [first, second]),
  ]);
  assert.equal(await elsewhere(other).count(), 0, 'one of the two is in use');

  // What is changed there anyway is not lost in silence.
  await unlock(idle);
  await idle.locate('widgetRemove', idle.widget('Memory')).click();
  await idle.page.getByText('open elsewhere; use it here first').waitFor();
  await idle.waitWidget('Memory');

  await idle.locate('useHere').click();
  await elsewhere(idle).waitFor({ state: 'detached' });
  await elsewhere(other).waitFor();
  await idle.waitStatus('online');
  await rename(idle, 'Processor', 'Used here');
  await bob.waitWidget('Used here');
});

scenario('another replica of the same profile is another person', async ({ browser, server }) => {
  const profile = await browser.person('ann');
  const first = await arrive(Board, profile, server, 'Ann');
  const second = await arrive(Board, profile, server, 'Ann two', { replica: 'two' });
  await rename(second, 'Memory', 'Memory of two');
  await first.waitWidget('Memory of two');
  assert.equal(await elsewhere(first).count(), 0);
  assert.equal(await elsewhere(second).count(), 0);
});

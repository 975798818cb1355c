// A board is deleted while people have it open: they are told, and what they had not sent stays.

import assert from 'node:assert/strict';
import { add, cable, renameBoard } from '../harness/acts.mjs';
import { violations } from '../harness/axe.mjs';
import { Board } from '../harness/page.mjs';
import { scenario } from '../harness/scenario.mjs';

scenario('a deleted board says so on every page, and pending edits can be exported', async ({ browser, server }) => {
  const open = async (name) => {
    const board = await Board.open(await browser.person(name), server, { path: `/b/plant?name=${name}` });
    await board.waitStatus('online');
    return board;
  };
  const [ann, bob] = [await open('ann'), await open('bob')];
  await add(ann, 'note');
  await bob.locate('widget').first().waitFor();
  await cable(ann, false);
  await renameBoard(ann, 'Only here');
  await ann.waitPending(1);

  await server.run('boards', 'delete', 'plant', '--yes');
  await bob.locate('boardRefused').waitFor();
  assert.match(await bob.locate('boardRefused').innerText(), /the board plant was deleted\./);
  assert.equal(await bob.locate('widget').count(), 0);
  assert.doesNotMatch(await bob.locate('boardRefused').innerText(), /not sent/);

  await cable(ann, true);
  await ann.locate('boardRefused').waitFor();
  assert.match(await ann.locate('boardRefused').innerText(), /What you had not sent is kept on this device/);
  assert.deepEqual(await violations(ann.page), [], 'axe on a deleted board');
  await ann.waitPending(1);
  await ann.reload();
  await ann.locate('boardRefused').waitFor();
  await ann.locate('badge').click();
  const download = ann.page.waitForEvent('download');
  await ann.locate('exportQueue').click();
  assert.match((await download).suggestedFilename(), /json$/);
});

// Two people on one board: what one does, the other sees.

import assert from 'node:assert/strict';
import {
  add, arrive, place, record, records, rename, renameBoard, unlock, waitPlace, writeNote,
} from '../harness/acts.mjs';
import { Board } from '../harness/page.mjs';
import { scenario } from '../harness/scenario.mjs';

async function two(browser, server) {
  const ann = await arrive(Board, await browser.person('ann'), server, 'Ann');
  const bob = await arrive(Board, await browser.person('bob'), server, 'Bob');
  return { ann, bob };
}

const idOf = async (board, title) => board.widget(title).getAttribute('data-record');

scenario('a widget and the board are renamed for the other', async ({ browser, server }) => {
  const { ann, bob } = await two(browser, server);
  await rename(ann, 'Processor', 'CPU of the box');
  await bob.waitWidget('CPU of the box');
  await bob.waitNoWidget('Processor');
  await renameBoard(bob, 'The box');
  await ann.page.getByRole('heading', { name: 'The box', exact: true }).waitFor();
});

scenario('a dragged widget moves for the other, in one edit', async ({ browser, server }) => {
  const { ann, bob } = await two(browser, server);
  await unlock(ann);
  const id = await idOf(ann, 'Memory');
  const before = await place(record(ann, id));
  const version = Number(await ann.locate('board').getAttribute('data-version'));
  await ann.drag(ann.locate('widgetTitle', record(ann, id)), -700, 30);
  const after = await place(record(ann, id));
  assert.notEqual(after, before, 'it moved');
  await waitPlace(bob, id, after);
  await ann.waitPending(0);
  await ann.page.waitForSelector(`[data-testid="board"][data-version="${version + 1}"]`);
  for (const widget of await records(ann)) {
    const there = await place(record(ann, widget));
    assert.equal(await place(record(bob, widget)), there, `${widget} is where Ann has it`);
  }
});

scenario('a widget that is resized is resized for the other', async ({ browser, server }) => {
  const { ann, bob } = await two(browser, server);
  await unlock(ann);
  const id = await idOf(ann, 'Processor');
  const [, , width, height] = (await place(record(ann, id))).split(',').map(Number);
  await ann.drag(record(ann, id).locator('[data-testid="resize-se"]'), -220, 90);
  const after = await place(record(ann, id));
  const [, , newWidth, newHeight] = after.split(',').map(Number);
  assert.ok(newWidth < width && newHeight > height, `${width},${height} became ${after}`);
  await waitPlace(bob, id, after);
});

scenario('Escape puts a dragged widget back and makes no edit', async ({ browser, server }) => {
  const { ann } = await two(browser, server);
  await unlock(ann);
  const id = await idOf(ann, 'Memory');
  const before = await place(record(ann, id));
  const version = await ann.locate('board').getAttribute('data-version');
  const box = await ann.locate('widgetTitle', record(ann, id)).boundingBox();
  const { mouse, keyboard } = ann.page;
  await mouse.move(box.x + 40, box.y + 8);
  await mouse.down();
  await mouse.move(box.x - 500, box.y + 60, { steps: 6 });
  await ann.page.locator('[data-testid="placeholder"]').waitFor();
  await keyboard.press('Escape');
  await ann.page.locator('[data-testid="placeholder"]').waitFor({ state: 'detached' });
  await mouse.up();
  assert.equal(await place(record(ann, id)), before);
  assert.equal(await ann.locate('board').getAttribute('data-version'), version);
});

scenario('a widget is moved and resized by keyboard alone', async ({ browser, server }) => {
  const { ann, bob } = await two(browser, server);
  await unlock(ann);
  const id = await idOf(ann, 'Processor');
  const [x, y, w, h] = (await place(record(ann, id))).split(',').map(Number);
  await ann.locate('widgetHandle', record(ann, id)).focus();
  const { keyboard } = ann.page;
  for (const key of ['Enter', 'Shift+ArrowLeft', 'Shift+ArrowDown', 'Enter']) {
    await keyboard.press(key);
  }
  await waitPlace(bob, id, [x, y, w - 1, h + 1].join(','));
  const said = await ann.page.locator('[data-testid="live-region"]').innerText();
  assert.equal(said, `Processor, column ${x + 1}, row ${y + 1}, ${w - 1} by ${h + 1}`);
});

scenario('widgets are added and removed for the other', async ({ browser, server }) => {
  const { ann, bob } = await two(browser, server);
  for (const kind of ['stat', 'note']) {
    const id = await add(ann, kind);
    await record(bob, id).waitFor();
    assert.equal(await place(record(bob, id)), await place(record(ann, id)));
  }
  await unlock(bob);
  const id = await idOf(bob, 'Disks');
  await bob.locate('widgetRemove', record(bob, id)).click();
  await bob.locate('toast').filter({ hasText: 'Removed “Disks”' }).waitFor();
  await record(ann, id).waitFor({ state: 'detached' });
});

scenario('a note that one writes, the other reads as written', async ({ browser, server }) => {
  const { ann, bob } = await two(browser, server);
  const id = await idOf(ann, 'Welcome');
  await writeNote(ann, record(ann, id), 'First line\nsecond line\n\n<b>not markup</b>');
  const text = bob.locate('noteText', record(bob, id));
  await text.getByText('<b>not markup</b>').waitFor();
  assert.equal(await text.locator('p').count(), 2);
});

scenario('the first edit asks for a name, and is made under it', async ({ browser, server }) => {
  const person = await browser.person('guest');
  const guest = await Board.open(person, server);
  await guest.waitStatus('online');
  await guest.waitWidget('Processor');
  const bob = await arrive(Board, await browser.person('bob'), server, 'Bob');

  await unlock(guest);
  await guest.locate('widgetRemove', guest.widget('Disks')).click();
  await guest.locate('nameInput').fill('Zoë');
  await guest.locate('nameSave').click();
  await bob.waitNoWidget('Disks');

  await guest.reload();
  await guest.waitStatus('online');
  await rename(guest, 'Memory', 'RAM');
  await bob.waitWidget('RAM');
  assert.equal(await guest.locate('nameInput').count(), 0, 'asked once');
});

scenario('whoever says their name in one of two tabs has it in both', async ({ browser, server }) => {
  const person = await browser.person('guest');
  const first = await Board.open(person, server);
  await first.waitWidget('Processor');
  const second = await Board.open(person, server);
  await second.waitStatus('online');
  await second.waitWidget('Processor');
  const bob = await arrive(Board, await browser.person('bob'), server, 'Bob');

  await unlock(second);
  await second.locate('widgetRemove', second.widget('Disks')).click();
  await second.locate('nameInput').fill('Zoë');
  await second.locate('nameSave').click();
  await bob.waitNoWidget('Disks');
  for (const tab of [first, second]) {
    await tab.waitStatus('online');
    await tab.waitPending(0);
    await tab.waitNoWidget('Disks');
    await tab.locate('indicator').getByRole('button').first().click();
    await tab.page.getByText('Zoë', { exact: true }).first().waitFor();
  }
});

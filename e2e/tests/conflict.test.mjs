// Two people change the same title while one is offline: the person sees base, mine and theirs,
// and decides. A reload in between loses nothing.

import assert from 'node:assert/strict';
import { arrive, cable, disagree, openSettings, unlock, version, waitVersion } from '../harness/acts.mjs';
import { Board } from '../harness/page.mjs';
import { scenario } from '../harness/scenario.mjs';

/** They disagree; Bob reloads, and opens the conflict. */
async function openConflict(browser, server) {
  const { ann, bob } = await disagree(Board, browser, server);
  await bob.locate('conflictAlert').waitFor();
  await bob.waitWidget('Title of Ann');

  await bob.reload();
  await bob.locate('conflictAlert').waitFor();
  await bob.locate('conflictOpen').click();
  const dialog = bob.locate('conflictDialog');
  await dialog.waitFor();
  const column = (which) => dialog.locator(`[data-testid="conflict-${which}"]`).innerText();
  assert.match(await column('base'), /Processor/);
  assert.match(await column('mine'), /Title of Bob/);
  assert.match(await column('theirs'), /Ann[\s\S]*Title of Ann/);
  return { ann, bob };
}

async function settled(ann, bob, title) {
  for (const board of [ann, bob]) {
    await board.waitWidget(title);
    await board.waitPending(0);
  }
  await bob.locate('conflictAlert').waitFor({ state: 'detached' });
  await bob.reload();
  await bob.waitWidget(title);
  assert.equal(await bob.locate('conflictAlert').count(), 0, 'settled for good');
}

scenario('a conflict is settled by keeping mine', async ({ browser, server }) => {
  const { ann, bob } = await openConflict(browser, server);
  await bob.locate('keepMine').click();
  await settled(ann, bob, 'Title of Bob');
});

scenario('a conflict is settled by taking theirs', async ({ browser, server }) => {
  const { ann, bob } = await openConflict(browser, server);
  await bob.locate('takeTheirs').click();
  await settled(ann, bob, 'Title of Ann');
});

scenario('a conflict is settled by editing the merge', async ({ browser, server }) => {
  const { ann, bob } = await openConflict(browser, server);
  await bob.locate('mergeInput').fill('Title of both');
  await bob.locate('applyMerge').click();
  await settled(ann, bob, 'Title of both');
});

scenario('a conflict settled offline is settled for all later', async ({ browser, server }) => {
  const { ann, bob } = await openConflict(browser, server);
  await bob.locate('later').click();
  await cable(bob, false);
  await bob.locate('conflictOpen').click();
  await bob.locate('keepMine').click();
  await bob.waitWidget('Title of Bob');
  await bob.waitPending(1);
  await cable(bob, true);
  await ann.waitWidget('Title of Bob');
  await bob.waitPending(0);
});

/** Changes the unit of a widget through its settings, and closes them. */
async function setUnit(board, widget, unit) {
  await unlock(board);
  await openSettings(board, board.widget(widget));
  const field = board.page.getByTestId('settings-unit');
  await field.fill(unit);
  await field.press('Enter');
  await field.press('Escape');
}

scenario('a merged value that its leaf cannot have is told, and not sent', async ({ browser, server }) => {
  const ann = await arrive(Board, await browser.person('ann'), server, 'Ann');
  const bob = await arrive(Board, await browser.person('bob'), server, 'Bob');
  await cable(bob, false);
  await setUnit(bob, 'Processor', 'of Bob');
  await bob.waitPending(1);
  await setUnit(ann, 'Processor', 'of Ann');
  await ann.waitPending(0);
  const before = await version(ann);
  await cable(bob, true);
  await bob.locate('conflictOpen').click();
  const field = bob.locate('mergeInput');
  await field.fill('a unit that is longer than a unit may be');
  const dialog = bob.locate('conflictDialog');
  await dialog.getByText('text of at most 32 bytes').waitFor();
  assert.equal(await field.getAttribute('aria-invalid'), 'true');
  await bob.locate('applyMerge').click();
  assert.ok(await field.evaluate((element) => element === document.activeElement), 'the field has the focus');
  assert.equal(await version(ann), before);

  await field.fill('of both');
  await bob.locate('applyMerge').click();
  await bob.waitPending(0);
  await waitVersion(ann, before + 1);
  await openSettings(ann, ann.widget('Processor'));
  assert.equal(await ann.page.getByTestId('settings-unit').inputValue(), 'of both');
});

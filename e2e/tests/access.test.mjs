// For everybody: what axe can find, large print, forced colours, and no colour alone.

import assert from 'node:assert/strict';
import { add, arrive, cable, openSettings, rename, unlock } from '../harness/acts.mjs';
import { violations } from '../harness/axe.mjs';
import { Board } from '../harness/page.mjs';
import { scenario } from '../harness/scenario.mjs';

async function assertClean(page, where) {
  const found = await violations(page);
  assert.deepEqual(found, [], `axe on ${where}`);
}

for (const colorScheme of ['dark', 'light']) {
  scenario(`axe finds nothing wrong in ${colorScheme}`, async ({ browser, server }) => {
    const ann = await arrive(Board, await browser.person('ann', { colorScheme }), server, 'Ann');
    const bob = await arrive(Board, await browser.person('bob'), server, 'Bob');
    const { page } = ann;
    await page.locator('[data-testid="chart-canvas"]').first().waitFor();
    await assertClean(page, 'the locked board');

    await unlock(ann);
    await assertClean(page, 'the unlocked board');
    await ann.locate('addWidget').click();
    await assertClean(page, 'the menu of new widgets');
    await page.keyboard.press('Escape');
    await openSettings(ann, ann.widget('Memory'));
    await assertClean(page, "a widget's settings");
    await page.keyboard.press('Escape');

    await cable(ann, false);
    await ann.locate('indicator').click();
    await assertClean(page, "the indicator's details, offline");
    await page.keyboard.press('Escape');
    await rename(ann, 'Memory', "Ann's memory");
    await rename(bob, 'Memory', "Bob's memory");
    await ann.locate('badge').click();
    await assertClean(page, 'the waiting edits');
    await page.keyboard.press('Escape');

    await cable(ann, true);
    await ann.locate('conflictOpen').click();
    await ann.locate('conflictDialog').waitFor();
    await assertClean(page, 'the conflict dialog');
  });
}

scenario('a board that is not there, and one that is empty, say so and are clean', async ({ browser, server }) => {
  const ann = await browser.person('ann');
  const { page } = await Board.open(ann, server, { path: '/b/nowhere?name=Ann' });
  await page.locator('[data-testid="board"]').waitFor();
  await assertClean(page, 'an empty board');
});

scenario('at 200 % zoom nothing is cut off and everything works', async ({ browser, server }) => {
  // Zooming to 200 % halves the page's width in its own pixels.
  const ann = await arrive(
    Board,
    await browser.person('ann', { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 }),
    server,
    'Ann',
  );
  const { page } = ann;
  const overflow = () =>
    page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(await overflow(), 0, 'no scrolling sideways');
  await add(ann, 'note');
  await ann.locate('indicator').click();
  assert.equal(await overflow(), 0, 'no scrolling sideways with the details open');
  const details = await page.locator('[role="dialog"], [data-part="popover"]').first().boundingBox();
  assert.ok(details === null || details.x >= 0, 'the details begin on the page');
});

scenario('forced colours keep every status and the focus visible', async ({ browser, server }) => {
  const person = await browser.person('ann', { forcedColors: 'active' });
  const ann = await arrive(Board, person, server, 'Ann');
  const { page } = ann;
  // A shape and a word, not a colour alone.
  const indicator = ann.locate('indicator');
  assert.match(await indicator.innerText(), /live/i);
  const icon = await indicator.locator('svg').first().boundingBox();
  assert.ok(icon.width >= 8 && icon.height >= 8, 'the status has a shape');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  const outline = await page.evaluate(() => {
    const style = getComputedStyle(document.activeElement);
    return { style: style.outlineStyle, width: Number.parseFloat(style.outlineWidth) };
  });
  assert.ok(outline.style !== 'none' && outline.width >= 2, `a focus ring: ${JSON.stringify(outline)}`);
});

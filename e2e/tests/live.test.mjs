// The first thing that a newcomer sees: this machine, moving, and with a past.

import assert from 'node:assert/strict';
import { arrive } from '../harness/acts.mjs';
import { Board } from '../harness/page.mjs';
import { scenario } from '../harness/scenario.mjs';

/** Points that were last drawn on the first chart of a page. */
const points = (page) =>
  page.locator('[data-testid="chart-canvas"]').first().getAttribute('data-points').then(Number);

const untilPoints = (page, least) =>
  page.waitForFunction((count) => {
    const canvas = document.querySelector('[data-testid="chart-canvas"]');
    return Number(canvas?.dataset.points) >= count;
  }, least);

scenario('the first board moves and is back-filled', async ({ browser, server }) => {
  const ann = await arrive(Board, await browser.person('ann'), server, 'Ann');
  const { page } = ann;

  await page.locator('[data-testid="chart-canvas"]').first().waitFor();
  await page.locator('[data-testid="bars-row"]').first().waitFor();
  await page.locator('[data-testid="table-row"]').first().waitFor();
  await ann.locate('noteText').first().waitFor();
  assert.match(await ann.locate('statValue').first().innerText(), /\d/);

  await untilPoints(page, 1);
  const first = await points(page);
  await untilPoints(page, first + 3);

  // A visitor who comes later sees what was before.
  const seen = await points(page);
  const bob = await arrive(Board, await browser.person('bob'), server, 'Bob');
  await untilPoints(bob.page, 1);
  assert.ok((await points(bob.page)) >= seen, 'the window is back-filled at once');
});

scenario('a chart tells its content in words', async ({ browser, server }) => {
  const ann = await arrive(Board, await browser.person('ann'), server, 'Ann');
  await untilPoints(ann.page, 2);
  const canvas = ann.page.locator('[data-testid="chart-canvas"]').first();
  const told = await canvas.getAttribute('aria-label');
  assert.match(told, /^Processor, last 5.min: 1 series\. .* now .*%, from .* to /);
});

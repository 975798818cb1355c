// What a hook gives is fine-grained: counted in a page, not timed.

import assert from 'node:assert/strict';
import { kitPage } from '../harness/kit.mjs';

const LEAVES = ['one/title', 'one/text', 'two/title', 'two/text'];

kitPage('a change of one leaf runs again what reads that leaf, and nothing else', async ({
  browser,
}, open) => {
  const ann = await open(await browser.person('ann'));
  const bob = await open(await browser.person('bob'));
  for (const page of [ann, bob]) await page.getByTestId('toggle').click();
  for (const id of ['one', 'two']) await ann.getByTestId(`${id} create`).click();
  const texts = (page) => Promise.all(LEAVES.map((leaf) => page.getByTestId(leaf).innerText()));
  const runs = async (page) => (await texts(page)).map((text) => Number(/\((\d+)\)/.exec(text)[1]));
  for (const page of [ann, bob]) {
    for (const leaf of LEAVES) await page.getByTestId(leaf).getByText(/^(Title|Text) /).waitFor();
    await page.getByTestId('pending-badge').and(page.locator('[data-count="0"]')).waitFor();
  }

  const before = await Promise.all([runs(ann), runs(bob)]);
  await ann.getByTestId('one retitle').click();
  for (const page of [ann, bob]) await page.getByTestId('one/title').getByText('Another').waitFor();
  await ann.getByTestId('pending-badge').and(ann.locator('[data-count="0"]')).waitFor();
  const after = await Promise.all([runs(ann), runs(bob)]);
  // Once for who made it, pending and confirmed alike, and once for who was sent it.
  const more = after.map((page, index) => page.map((count, leaf) => count - before[index][leaf]));
  assert.deepEqual(more, [[1, 0, 0, 0], [1, 0, 0, 0]]);
});

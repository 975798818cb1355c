// What screen readers are told of what changes by itself: at most one thing in five seconds.

import assert from 'node:assert/strict';
import { kitPage } from '../harness/kit.mjs';

/** Writes down what a region says from now on. */
const listen = (region) => region.evaluate((element) => {
  element.said = [];
  new MutationObserver(() => {
    const text = element.textContent.trim();
    if (text !== element.said.at(-1)) element.said.push(text);
  }).observe(element, { childList: true, characterData: true, subtree: true });
});
const said = (region) => region.evaluate((element) => element.said.filter(Boolean));

kitPage('of many messages at once the first is read out, and later those that are still there', async ({
  browser,
}, open) => {
  const context = await browser.person('ann');
  await context.clock.install();
  const page = await open(context, '?quiet');
  await page.getByTestId('properties').click();
  await page.getByTestId('state').getByText('idle').waitFor();
  const region = page.locator('[data-part="toaster"] [data-part="announcement"]');
  assert.equal(await region.getAttribute('aria-live'), 'polite');
  await listen(region);
  await context.clock.pauseAt(Date.now() + 3_600_000);
  const toasts = page.getByTestId('toast');
  const tell = async (number) => {
    await page.getByTestId('toast it').click();
    await toasts.filter({ hasText: `Hallo ${number}` }).waitFor();
  };
  for (let number = 1; number <= 5; number += 1) await tell(number);
  // Five are seen, one after the other; one is heard.
  await context.clock.runFor(4_900);
  assert.deepEqual(await said(region), ['Hallo 1']);
  await context.clock.runFor(200);
  assert.deepEqual(await said(region), ['Hallo 1', 'Hallo 3. Hallo 4. Hallo 5']);
  // Nothing is left to say of what is gone.
  await context.clock.runFor(20_000);
  await toasts.first().waitFor({ state: 'detached' });
  assert.equal((await said(region)).length, 2);
  await tell(6);
  assert.equal((await said(region)).at(-1), 'Hallo 6');
});

kitPage('of many conflicts at once the first is read out at once, and their number later', async ({
  browser, expectOutage,
}, open) => {
  expectOutage();
  const [anns, bobs] = [await browser.person('ann'), await browser.person('bob')];
  const ann = await open(anns, '?Ann');
  const bob = await open(bobs, '?Bob');
  const settled = (page) => page.locator('[data-part="pending-badge"][data-count="0"]').waitFor();
  const online = (page) => page.getByTestId('connection').getByText('online').waitFor();
  for (const page of [ann, bob]) {
    await page.getByTestId('toggle').click();
    await online(page);
  }
  for (const id of ['one', 'two']) await ann.getByTestId(`${id} create`).click();
  await settled(ann);
  for (const id of ['one', 'two']) await bob.getByTestId(`${id}/title`).getByText(/^Title /).waitFor();

  await anns.setOffline(true);
  for (const page of [ann, bob]) {
    for (const id of ['one', 'two']) await page.getByTestId(`${id} rename`).click();
  }
  await settled(bob);
  await anns.setOffline(false);
  const alert = ann.getByTestId('conflict-alert');
  const region = alert.getByRole('alert');
  // Whatever came first, what is seen is the number of them,
  await alert.locator('[data-part="notice-text"]').getByText(/^2 conflicts: /).waitFor();
  assert.equal(await region.count(), 1);
  // and at the end of the pause that is what was read out last.
  await region.getByText(/^2 conflicts: /).waitFor({ state: 'attached' });
});

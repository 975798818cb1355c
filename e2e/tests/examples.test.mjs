// The examples that have a page: what one person does the other sees, and what is done offline waits.

import assert from 'node:assert/strict';
import { violations } from '../harness/axe.mjs';
import { examplePage } from '../harness/example.mjs';

/** Waits until the badge of a page says how many edits wait. */
const waiting = (page, count) => page
  .getByTestId('pending-badge')
  .and(page.locator(`[data-count="${count}"]`))
  .waitFor();

/** Waits until the field of a page has a value. */
const shows = (page, value) => page.waitForFunction(
  (expected) => document.querySelector('input').value === expected,
  value,
);

/** That nothing of what is only read out is on screen: these pages have no style sheet. */
async function seesNoAnnouncement(page) {
  const parts = page.locator('[data-part="unseen"], [data-part="announcement"]');
  const widths = await parts.evaluateAll((found) => found.map((it) => it.getBoundingClientRect().width));
  assert.ok(widths.length > 0 && widths.every((width) => width <= 1), `${widths}`);
}

examplePage('minimal', 'an edit of the minimal page is seen by others, and waits while offline', async ({
  browser, expectOutage,
}, open) => {
  const contexts = [await browser.person('ann'), await browser.person('bob')];
  const [ann, bob] = [await open(contexts[0]), await open(contexts[1])];
  const lunch = ann.getByLabel('For lunch there is');
  await lunch.fill('soup');
  await lunch.press('Enter');
  await shows(bob, 'soup');
  await waiting(ann, 0);

  expectOutage();
  await contexts[0].setOffline(true);
  await lunch.fill('bread');
  await lunch.press('Enter');
  await waiting(ann, 1);
  await seesNoAnnouncement(ann);
  await shows(bob, 'soup');
  await contexts[0].setOffline(false);
  await shows(bob, 'bread');
  await waiting(ann, 0);
});

examplePage('plain-page', 'the client alone makes a live page: offline it waits, and who comes second decides', async ({
  browser, expectOutage,
}, open) => {
  const contexts = [await browser.person('ann'), await browser.person('bob')];
  const [ann, bob] = [await open(contexts[0]), await open(contexts[1])];
  const says = (page, text) => page.getByTestId('sync-indicator').getByText(text, { exact: true }).waitFor();
  const write = async (page, text) => {
    await page.getByLabel('For lunch there is').fill(text);
    await page.getByLabel('For lunch there is').press('Enter');
    await page.getByLabel('For lunch there is').blur();
  };
  for (const page of [ann, bob]) await says(page, 'Live');
  await write(ann, 'soup');
  await shows(bob, 'soup');

  expectOutage();
  await contexts[0].setOffline(true);
  await write(ann, 'bread');
  await says(ann, 'Not connected, 1 to send');
  await write(bob, 'salad');
  await says(bob, 'Live');
  await contexts[0].setOffline(false);
  const conflict = ann.getByTestId('conflict');
  await conflict.getByText('wrote “salad”, you wrote “bread”.').waitFor();
  await shows(ann, 'salad');
  assert.deepEqual(await violations(ann), [], 'axe');
  await conflict.getByRole('button', { name: 'Keep mine' }).click();
  await shows(bob, 'bread');
  await conflict.waitFor({ state: 'hidden' });
  await says(ann, 'Live');
});

examplePage('existing-leptos', "an application's own widget is live, and a value that its kind refuses is told", async ({
  browser, expectOutage,
}, open) => {
  const contexts = [await browser.person('ann'), await browser.person('bob')];
  const [ann, bob] = [await open(contexts[0]), await open(contexts[1])];
  const dial = ann.getByLabel('Heat to');
  await dial.fill('22.5');
  await shows(bob, '22.5');

  // The dial goes to 35, the kind to 30: nothing is changed, and the person hears why.
  await dial.fill('33');
  await ann.getByTestId('toast').getByText('a number from 5 to 30').waitFor();
  await shows(bob, '22.5');
  await waiting(ann, 0);

  expectOutage();
  await contexts[0].setOffline(true);
  await dial.fill('18');
  await waiting(ann, 1);
  await contexts[0].setOffline(false);
  await shows(bob, '18');
  await waiting(ann, 0);
});

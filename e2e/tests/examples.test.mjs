// The examples that have a page: what one person does the other sees, and what is done offline waits.

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
  await shows(bob, 'soup');
  await contexts[0].setOffline(false);
  await shows(bob, 'bread');
  await waiting(ann, 0);
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

// What the properties of provider and components change, on a page that gives all of them.

import assert from 'node:assert/strict';
import { kitPage } from '../harness/kit.mjs';

/** Opens the page with this address, and puts the components up. */
async function putUp(open, context, query) {
  const page = await open(context, query);
  await page.getByTestId('properties').click();
  await page.getByTestId('user').waitFor({ state: 'attached' });
  return page;
}

const isState = (page, state) => page.getByTestId('state').getByText(state, { exact: true }).waitFor();
const isUser = (page, user) => page.getByTestId('user').getByText(user, { exact: true }).waitFor();

/** Which part has which class. */
const CLASSES = {
  'sync-indicator': 'my-indicator',
  'pending-badge': 'my-badge',
  receipts: 'my-receipts',
  'conflict-ui': 'my-conflicts',
  'reconnect-bill': 'my-reconnect',
  ledger: 'my-ledger',
  performance: 'my-performance',
  toaster: 'my-toaster',
  json: 'my-json',
  widget: 'my-widget',
  dialog: 'my-dialog',
};

kitPage('class: it is the class of the outermost element of each component', async ({ browser }, open) => {
  const page = await putUp(open, await browser.person('ann'));
  await page.getByTestId('ask').click();
  for (const [part, name] of Object.entries(CLASSES)) {
    const element = page.locator(`.${name}`);
    await element.waitFor({ state: 'attached' });
    assert.equal(await element.count(), 1, name);
    assert.equal(await element.getAttribute('data-part'), part);
  }
});

kitPage('texts: each component shows those of the provider', async ({ browser }, open) => {
  const page = await putUp(open, await browser.person('ann'));
  await isState(page, 'online');
  const shows = async (name, text) => {
    await page.locator(`.${name}`).getByText(text).first().waitFor({ state: 'attached' });
  };
  await shows('my-badge', 'Alles gesichert');
  await shows('my-receipts', 'Keine Belege');
  await shows('my-reconnect', /^Das ganze Brett: /);
  await shows('my-ledger', '0 verloren, 0 doppelt');
  await shows('my-performance', 'Bilder');
  await page.getByTestId('note it').click();
  await page.locator('.my-widget[data-state="paused"]').waitFor();
  await shows('my-widget', 'angehalten');
  await shows('my-json', 'nichts');
  await page.getByTestId('toast it').click();
  await page.locator('.my-toaster').getByRole('button', { name: 'Schließen' }).waitFor();
  await page.locator('.my-indicator [data-part="popover-button"]').click();
  await shows('my-indicator', 'Verbindung');
});

kitPage('label: it names the widget, whatever its record is called', async ({ browser }, open) => {
  const page = await putUp(open, await browser.person('ann'));
  const widget = page.getByRole('group', { name: 'My own label', exact: true });
  await widget.getByText('Inside').waitFor();
  assert.equal(await widget.getAttribute('class'), 'my-widget');
});

kitPage('schema: what its kinds allow is made, what they do not is refused at once', async ({
  browser,
}, open) => {
  const ann = await putUp(open, await browser.person('ann'), '?alarms&quiet');
  const answers = (page, text) => page.getByTestId('answer').getByText(text).waitFor();
  await ann.getByTestId('alarm 500').click();
  await answers(ann, /0.*100/);
  await ann.getByTestId('alarm 50').click();
  await answers(ann, /^made$/);
  // Without it nobody has heard of such a kind.
  const bob = await putUp(open, await browser.person('bob'), '?quiet');
  await bob.getByTestId('alarm 50').click();
  await answers(bob, /alarm/);
});

kitPage('config: it connects by itself, or not', async ({ browser }, open) => {
  const quiet = await putUp(open, await browser.person('ann'), '?quiet');
  await isState(quiet, 'idle');
  await quiet.locator('.my-indicator[data-state="idle"]').waitFor();
  // Whatever it does by itself is done once another page is online.
  const other = await putUp(open, await browser.person('bob'), '?token=Bob');
  await isState(other, 'online');
  assert.equal(await quiet.getByTestId('state').innerText(), 'idle');
});

kitPage('is_token_kept: a tab with a kept token is whom another tab is signed in as', async ({
  browser,
}, open) => {
  const profile = await browser.person('ann');
  const first = await putUp(open, profile, '?token=Bob');
  await isUser(first, 'Bob');
  const kept = await putUp(open, profile, '?token=Ann&kept');
  await isState(kept, 'online');
  await isUser(kept, 'Bob');
  await isUser(first, 'Bob');
  // Given just now, it counts for every tab.
  const given = await putUp(open, profile, '?token=Cy');
  for (const page of [given, first, kept]) await isUser(page, 'Cy');
});

kitPage('class, texts and on_error where the browser keeps nothing', async ({ browser }, open) => {
  const profile = await browser.person('ann');
  await profile.addInitScript(() => {
    IDBFactory.prototype.open = () => {
      throw new DOMException('not in private mode', 'SecurityError');
    };
  });
  const page = await putUp(open, profile);
  const notice = page.locator('.my-notice[data-part="storage-notice"]');
  await notice.getByText(/^Nicht gesichert: .*keeps nothing for this page/).waitFor();
  await isState(page, 'online');
  // Once, and as an error that an application can show.
  const errors = await page.getByTestId('errors').locator('li').allInnerTexts();
  assert.equal(errors.length, 1, errors.join('\n'));
  assert.match(errors[0], /^not saved on this device: .*keeps nothing for this page/);
  // It works.
  await page.getByTestId('note it').click();
  await page.locator('.my-widget[data-state="paused"]').waitFor();
});

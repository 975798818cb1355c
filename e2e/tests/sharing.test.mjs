// An owner shares a board from its page: a link is made, used elsewhere, and taken back.

import assert from 'node:assert/strict';
import { renameBoard } from '../harness/acts.mjs';
import { violations } from '../harness/axe.mjs';
import { Board } from '../harness/page.mjs';
import { scenario } from '../harness/scenario.mjs';

const BOARD = '/b/plant';
/** What the server refuses is in the browser's console, too. */
const REFUSED = /status of 40[03]/;

/** Opens a board as its owner, with a link that the command line made. */
async function owner(browser, server, more = [], options = {}) {
  const command = ['token', 'create', '--name', 'Ann', '--role', 'owner', '--url', server.url, '--json', ...more];
  const { link } = JSON.parse(await server.run(...command));
  const token = new URL(link).hash;
  const ann = await Board.open(await browser.person('ann', options), server, { path: `${BOARD}${token}` });
  await ann.waitStatus('online');
  return ann;
}

async function openSharing(board) {
  await board.locate('moreMenu').click();
  await board.locate('shareOpen').click();
  await board.locate('shareDialog').waitFor();
}

/** Makes a link; answers it as it is shown. */
async function makeLink(board, name, role = 'viewer') {
  await board.locate('shareName').fill(name);
  await board.locate('shareRole').selectOption(role);
  await board.locate('shareMake').click();
  const person = board.locate('sharePerson').filter({ hasText: name });
  await person.waitFor();
  return { link: await board.locate('shareLink').inputValue(), person };
}

const focused = (page) => page.evaluate(() => document.activeElement?.dataset.testid ?? document.activeElement?.id);

scenario('a link is made, opened elsewhere as a viewer, and refused once it is revoked', async (given) => {
  const { browser, server, expectOutage } = given;
  expectOutage();
  browser.errors.expect(REFUSED);
  const ann = await owner(browser, server, ['--board', 'plant']);
  await renameBoard(ann, 'Plant');
  await openSharing(ann);
  const { link, person } = await makeLink(ann, 'Wall');
  assert.match(link, /^http:\/\/127\.0\.0\.1:\d+\/b\/plant#token=driftless_/);
  assert.match(await person.innerText(), /Wall \(link\)\s+may view\s+link \d+, until/);
  const selected = await ann.page.evaluate(() => {
    const { value, selectionStart, selectionEnd, dataset } = document.activeElement;
    return dataset.testid === 'share-link' && selectionEnd - selectionStart === value.length;
  });
  assert.ok(selected, 'the link is selected, to be copied by hand');

  const wall = await Board.open(await browser.person('wall'), server, { path: link.slice(server.url.length) });
  await wall.waitStatus('online');
  await wall.page.locator('[data-testid="board-title"]', { hasText: 'Plant' }).waitFor();
  await openSharing(wall);
  await wall.locate('shareRefused').waitFor();
  assert.match(await wall.locate('shareRefused').innerText(), /is no owner of plant; ask one of its owners/);
  await wall.locate('shareClose').click();

  const revoke = ann.locate('shareRevoke', person);
  await revoke.click();
  assert.match(await revoke.innerText(), /Revoke now/);
  await revoke.click();
  await wall.waitStatus('unauthorised');
  assert.match(await wall.locate('signInNotice').innerText(), /was revoked; ask for a new link/);
  await person.waitFor({ state: 'detached' });
  assert.match(await ann.locate('shareSaid').innerText(), /The link of Wall \(link\) counts no more/);
  assert.equal(await focused(ann.page), 'share-people', 'the focus is where the list is');

  const again = await Board.open(await browser.person('again'), server, { path: link.slice(server.url.length) });
  await again.waitStatus('unauthorised');
  assert.ok(!server.log.includes(new URL(link).hash.slice('#token='.length)), 'no token in the log');
});

scenario('a person is given another role, shut out and let in again, each at once', async (given) => {
  const { browser, server, expectOutage } = given;
  expectOutage();
  const ann = await owner(browser, server);
  await renameBoard(ann, 'Plant');
  await openSharing(ann);
  await ann.locate('shareFor').selectOption('person');
  const { link, person } = await makeLink(ann, 'Robin', 'editor');
  const robin = await Board.open(await browser.person('robin'), server, { path: link.slice(server.url.length) });
  await robin.waitStatus('online');
  const titled = (text) => ann.page.locator('[data-testid="board-title"]', { hasText: text }).waitFor();
  await renameBoard(robin, "Robin's");
  await titled("Robin's");

  const choice = ann.locate('sharePersonRole', person);
  assert.equal(await choice.getAttribute('aria-label'), 'What Robin may do');
  const change = async (role) => {
    await choice.selectOption(role);
    await ann.locate('shareChange', person).click();
    await ann.page.locator('[data-testid="share-said"]', { hasText: 'What Robin may do is changed.' }).waitFor();
    await ann.locate('shareChange', person).waitFor({ state: 'detached' });
    assert.equal(await choice.inputValue(), role);
    assert.equal(await focused(ann.page), 'share-people', 'the focus is where the list is');
  };
  assert.equal(await ann.locate('shareChange', person).count(), 0, 'nothing to change yet');
  await change('none');
  await robin.locate('boardRefused').waitFor();
  await change('viewer');
  await robin.page.reload();
  await robin.page.locator('[data-testid="board-title"]', { hasText: "Robin's" }).waitFor();
  const audit = await server.run('audit');
  assert.match(audit, /Ann over HTTP\s+role set\s+Robin\s+plant\s+none/);
  const own = ann.locate('sharePerson').filter({ hasText: 'Ann' });
  assert.equal(await ann.locate('sharePersonRole', own).count(), 0, 'nobody changes their own role');
});

scenario('sharing works by keyboard, keeps the focus inside and gives it back', async ({ browser, server }) => {
  const ann = await owner(browser, server);
  const { page } = ann;
  await page.locator('[data-part="popover-button"]', { has: ann.locate('moreMenu') }).focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  assert.equal(await focused(page), 'share-open');
  await page.keyboard.press('Enter');
  await ann.locate('shareName').waitFor();
  assert.equal(await focused(page), 'share-heading');
  for (let presses = 0; presses < 20; presses += 1) {
    await page.keyboard.press('Tab');
    const outside = await page.evaluate(() => {
      const dialog = document.querySelector('[data-testid="share-dialog"]');
      return document.activeElement !== document.body && !dialog.contains(document.activeElement);
    });
    assert.ok(!outside, 'the focus stays in the dialog');
  }
  await ann.locate('shareName').focus();
  await page.keyboard.type('Robin');
  await page.keyboard.press('Tab');
  await page.keyboard.type('One person');
  await page.keyboard.press('Tab');
  await page.keyboard.type('Edit and share');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  assert.equal(await focused(page), 'share-make');
  await page.keyboard.press('Enter');
  await ann.locate('shareLink').waitFor();
  const robin = ann.locate('sharePerson').filter({ hasText: 'Robin' });
  await robin.waitFor();
  assert.equal(await ann.locate('sharePersonRole', robin).inputValue(), 'owner');
  await page.keyboard.press('Escape');
  await ann.locate('shareDialog').waitFor({ state: 'hidden' });
  const back = await page.evaluate(() => document.activeElement.querySelector('[data-testid="more-menu"]') !== null);
  assert.ok(back, 'the focus is on the button of the menu');
});

scenario('where nobody signs in, the dialog says how to begin', async ({ browser, server }) => {
  browser.errors.expect(REFUSED);
  const guest = await Board.open(await browser.person('guest'), server, { path: `${BOARD}?name=Guest` });
  await guest.waitStatus('online');
  await openSharing(guest);
  const refused = guest.locate('shareRefused');
  await refused.waitFor();
  assert.match(await refused.innerText(), /driftless token create --name NAME --role owner/);
});

for (const colorScheme of ['dark', 'light']) {
  scenario(`axe finds nothing wrong with sharing in ${colorScheme}`, async ({ browser, server }) => {
    browser.errors.expect(REFUSED);
    const ann = await owner(browser, server, [], { colorScheme, viewport: { width: 390, height: 844 } });
    await openSharing(ann);
    await ann.locate('shareName').waitFor();
    assert.deepEqual(await violations(ann.page), [], 'axe on the form');
    await makeLink(ann, 'Wall', 'editor');
    await ann.locate('shareRevoke').first().click();
    await ann.locate('shareFor').selectOption('person');
    const { person } = await makeLink(ann, 'Robin');
    await ann.locate('sharePersonRole', person).selectOption('none');
    await ann.locate('shareChange', person).waitFor();
    assert.deepEqual(await violations(ann.page), [], 'axe on a new link');
    await ann.locate('shareName').fill('Wall (link)');
    await ann.locate('shareMake').click();
    await ann.page.locator('.field-problem').waitFor();
    assert.deepEqual(await violations(ann.page), [], 'axe on a refusal');
    const overflow = await ann.page.evaluate(() => {
      const dialog = document.querySelector('[data-testid="share-dialog"]');
      return dialog.scrollWidth - dialog.clientWidth;
    });
    assert.equal(overflow, 0, 'nothing is cut off on a phone');
  });
}

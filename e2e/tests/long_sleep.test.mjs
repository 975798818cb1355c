// Away for a month: many edits that were made without a server arrive in slices, each once, and the
// page tells how far they are and goes on working.
//
// DRIFTLESS_LONG_SLEEP=100 makes more of each widget's and DRIFTLESS_LONG_SLEEP_WIDGETS=500 more
// widgets (for these, an older node is started with `--experimental-websocket`), to measure: the
// longest task of the page is printed, and judged by nobody.

import assert from 'node:assert/strict';
import {
  arrive, openSettings, record, records, rename, unlock, version, waitVersion,
} from '../harness/acts.mjs';
import { Board } from '../harness/page.mjs';
import { scenario } from '../harness/scenario.mjs';
import { Writer } from '../harness/writer.mjs';

/** Edits of each widget: as many as 10,000 are of 500. */
const EDITS = Number(process.env.DRIFTLESS_LONG_SLEEP ?? 20);
const WIDGETS = Number(process.env.DRIFTLESS_LONG_SLEEP_WIDGETS ?? 0);
const MONTH_MS = 30 * 24 * 3600 * 1000;
const PATIENCE_MS = 30_000 + 500 * EDITS + 500 * WIDGETS;

/** Makes as many widgets as are asked for, where the board has fewer. */
async function furnish(board, server) {
  const missing = WIDGETS - (await records(board)).length;
  if (missing <= 0) return;
  const writer = await Writer.join(server, 'this-machine');
  const note = (number) => ({
    record: `note-${number}`,
    seen: 0,
    op: { create: { kind: 'note', leaves: { title: `Note ${number}`, text: '' } } },
  });
  for (let first = 0; first < missing; first += 50) {
    const length = Math.min(50, missing - first);
    await writer.edit(Array.from({ length }, (_, index) => note(first + index)));
  }
  writer.close();
  await board.locate('widget').nth(WIDGETS - 1).waitFor();
}

/** Writes titles into a widget's settings, one edit each, as fast as the page takes them. */
async function write(board, widget, name) {
  await openSettings(board, widget);
  await board.locate('settingsTitle').evaluate(
    (field, [titles, start]) => {
      field.focus();
      for (let number = 1; number <= titles; number += 1) {
        field.value = `${start} ${number}`;
        field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
      }
    },
    [EDITS, name],
  );
  await board.locate('settingsTitle').press('Escape');
  await board.waitWidget(`${name} ${EDITS}`);
}

/** What the board's diagnostics say of its outbox. */
async function outbox(board) {
  await board.locate('copyDiagnostics').click();
  await board.locate('diagnosticsCopied').waitFor();
  return JSON.parse(await board.page.evaluate(() => navigator.clipboard.readText())).boards[0];
}

/** Notes in the page what its progress said, and its longest task in milliseconds. */
const watch = (board) =>
  board.page.addInitScript(() => {
    globalThis.told = [];
    globalThis.longest = 0;
    const note = () => {
      const text = document.querySelector('[data-testid="sync-progress"]')?.textContent;
      if (text && text !== globalThis.told.at(-1)) globalThis.told.push(text);
      requestAnimationFrame(note);
    };
    requestAnimationFrame(note);
    const longer = (list) => {
      for (const { duration } of list.getEntries()) {
        globalThis.longest = Math.max(globalThis.longest, Math.round(duration));
      }
    };
    new PerformanceObserver(longer).observe({ entryTypes: ['longtask'] });
  });

scenario('a month of edits is sent in slices, with the page alive, and ends exact', async ({
  browser, server, expectOutage,
}) => {
  expectOutage();
  const profile = await browser.person('ann');
  profile.setDefaultTimeout(PATIENCE_MS);
  await profile.grantPermissions(['clipboard-read', 'clipboard-write']);
  let ann = await arrive(Board, profile, server, 'Ann');
  await furnish(ann, server);
  await ann.page.waitForSelector('html[data-shell="kept"]', { state: 'attached' });
  const before = await version(ann);
  const widgets = await records(ann);
  const total = EDITS * widgets.length;
  await server.kill9();
  await ann.waitStatus('waiting', 'connecting');
  await unlock(ann);
  for (const [index, id] of widgets.entries()) await write(ann, record(ann, id), `Title ${index}`);
  await ann.waitPending(total);
  await ann.locate('indicator').getByRole('button').first().click();
  let { unsaved, sealed } = await outbox(ann);
  while (unsaved > 0) ({ unsaved, sealed } = await outbox(ann));
  assert.ok(sealed <= 64, `few are under way at a time: ${sealed}`);
  await ann.close();

  ann = new Board(await profile.newPage());
  await ann.page.addInitScript((month) => {
    const now = Date.now;
    Date.now = () => now() + month;
  }, MONTH_MS);
  await watch(ann);
  await server.restart();
  const returned = performance.now();
  await ann.page.goto(`${server.url}/?name=Ann`);
  // The page is in use while they are sent.
  await rename(ann, `Title 1 ${EDITS}`, 'Named on the way');
  await waitVersion(ann, before + total + 1);
  await ann.waitPending(0);
  const sent = Math.round(performance.now() - returned);

  const { told, longest } = await ann.page.evaluate(() => ({ told, longest }));
  const all = [total, total + 1].map((number) => number.toLocaleString('en')).join('|');
  for (const text of told) assert.match(text, new RegExp(`^Sending [\\d,]+ of (${all})$`));
  assert.ok(told.length >= 3, `it was sent in slices: ${told}`);
  console.log(`${total} edits sent in ${sent} ms, longest task of the page ${longest} ms`);
  const bob = await arrive(Board, await browser.person('bob'), server, 'Bob');
  await bob.waitWidget(`Title 0 ${EDITS}`);
  await bob.waitWidget('Named on the way');
  assert.equal(await version(bob), before + total + 1, 'each edit made one version');
});

// What a person sees where the browser's storage is full, cleared, refused or unreadable.

import assert from 'node:assert/strict';
import { arrive, cable, rename } from '../harness/acts.mjs';
import { Board } from '../harness/page.mjs';
import { scenario } from '../harness/scenario.mjs';

const bar = (board, state) =>
  board.page.locator(`[data-part="storage-notice"][data-state="${state}"]`);

const originOf = (board) => new URL(board.page.url()).origin;

/** Uses up what the browser keeps for the page, with a database of its own. */
async function fill(board) {
  await board.page.evaluate(async () => {
    const whenDone = (request, done) => new Promise((resolve, reject) => {
      request[done] = () => resolve(request.result);
      request.onerror = request.onabort = () => reject(request.error);
    });
    const opening = indexedDB.open('ballast');
    opening.onupgradeneeded = () => opening.result.createObjectStore('ballast', { autoIncrement: true });
    const database = await whenDone(opening, 'onsuccess');
    for (let size = 2 ** 19; size >= 2 ** 9; size /= 4) {
      for (let isFull = false; !isFull;) {
        const writing = database.transaction('ballast', 'readwrite');
        const bytes = new Uint8Array(size);
        for (let at = 0; at < size; at += 2 ** 16) {
          crypto.getRandomValues(bytes.subarray(at, at + 2 ** 16));
        }
        writing.objectStore('ballast').add(bytes);
        isFull = await whenDone(writing, 'oncomplete').then(() => false, () => true);
      }
    }
    database.close();
  });
}

/** A profile in which the browser keeps this many bytes for the page. */
async function cramped(browser, server, bytes) {
  browser.errors.expect(/favicon/);
  const profile = await browser.person('ann');
  const page = await profile.newPage();
  await page.goto(`${server.url}/healthz`);
  const debugged = await profile.newCDPSession(page);
  const origin = new URL(server.url).origin;
  // Without a number, as many as it wants.
  const setQuota = (quotaSize) =>
    debugged.send('Storage.overrideQuotaForOrigin', { origin, quotaSize });
  await setQuota(bytes);
  return { profile, setQuota };
}

scenario('where storage is full, the edit stays on screen and is saved when there is room', async ({ browser, server }) => {
  const { profile, setQuota } = await cramped(browser, server, 2 ** 20);
  const ann = await arrive(Board, profile, server, 'Ann');
  const bob = await arrive(Board, await browser.person('bob'), server, 'Bob');
  await fill(ann);
  await rename(ann, 'Processor', 'No room');
  await bar(ann, 'not-saved').waitFor();
  assert.match(await bar(ann, 'not-saved').innerText(), /Not saved on this device: .*full; free some space/);
  await ann.waitPending(1);
  assert.equal(await bob.widget('No room').count(), 0, 'nothing unsaved is sent');
  await setQuota();
  await bob.waitWidget('No room');
  await ann.waitPending(0);
  await bar(ann, 'not-saved').waitFor({ state: 'detached' });
});

scenario('what is made is on the disk before it is called saved', async ({ browser, server }) => {
  const profile = await browser.person('ann');
  await profile.addInitScript(() => {
    const { transaction } = IDBDatabase.prototype;
    globalThis.durabilities = [];
    IDBDatabase.prototype.transaction = function (...given) {
      const made = transaction.apply(this, given);
      if (made.mode === 'readwrite') globalThis.durabilities.push(made.durability);
      return made;
    };
  });
  const ann = await arrive(Board, profile, server, 'Ann');
  await rename(ann, 'Processor', 'Saved');
  await ann.waitPending(0);
  // A browser passes over an option that it does not know.
  const durabilities = await ann.page.evaluate(() => globalThis.durabilities);
  assert.deepEqual([...new Set(durabilities)], ['strict']);
});

scenario('a board that is opened where storage is full works, and says so', async ({ browser, server }) => {
  const { profile } = await cramped(browser, server, 1);
  const ann = await arrive(Board, profile, server, 'Ann');
  assert.match(await bar(ann, 'not-saved').innerText(), /full; free some space/);
  await rename(ann, 'Processor', 'Not kept here');
  await ann.waitPending(0);
});

scenario('storage that is cleared underneath is said in every tab, and what is pending can be exported', async ({
  browser, server,
}) => {
  const profile = await browser.person('ann');
  const first = await arrive(Board, profile, server, 'Ann');
  const second = await arrive(Board, profile, server, 'Ann');
  await cable(first, false);
  await rename(first, 'Processor', 'Still here');
  await second.waitWidget('Still here');
  const debugged = await profile.newCDPSession(first.page);
  await debugged.send('Storage.clearDataForOrigin', {
    origin: originOf(first), storageTypes: 'indexeddb',
  });
  await rename(first, 'Memory', 'Made afterwards');
  for (const board of [first, second]) {
    await bar(board, 'unusable').waitFor();
    assert.match(await bar(board, 'unusable').innerText(), /was cleared while this page was open/);
    await board.waitWidget('Still here');
  }
  await first.locate('badgeCount').click();
  const download = first.page.waitForEvent('download');
  await first.locate('exportQueue').click();
  await download;

  await first.close();
  await second.close();
  const third = await arrive(Board, profile, server, 'Ann');
  assert.equal(await third.locate('widget').count() > 0, true);
  await rename(third, 'Disks', 'From anew');
  await third.waitPending(0);
});

scenario('a browser that keeps nothing works, says so, and does not take two tabs for one', async ({ browser, server }) => {
  const profile = await browser.person('ann');
  await profile.addInitScript(() => {
    IDBFactory.prototype.open = () => {
      throw new DOMException('not in private mode', 'SecurityError');
    };
  });
  const first = await arrive(Board, profile, server, 'Ann');
  const second = await arrive(Board, profile, server, 'Ann');
  for (const board of [first, second]) {
    assert.match(await bar(board, 'not-saved').innerText(), /keeps nothing for this page/);
  }
  await rename(second, 'Processor', 'Not kept here');
  await first.waitWidget('Not kept here');
  await second.waitPending(0);
});

scenario('storage that cannot be read is left alone, and says what to do', async ({ browser, server }) => {
  const profile = await browser.person('ann');
  const before = await arrive(Board, profile, server, 'Ann');
  await rename(before, 'Processor', 'Before');
  await before.waitPending(0);
  await before.page.evaluate(async () => {
    const whenDone = (request) => new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const database = await whenDone(indexedDB.open('driftless/default'));
    const rows = database.transaction('rows', 'readwrite').objectStore('rows');
    const [key] = await whenDone(rows.getAllKeys());
    await whenDone(rows.put(new Uint8Array([0xc1, 0xc1, 0xc1]), key));
    database.close();
  });
  await before.close();
  const ann = await Board.open(profile, server, { path: '/?name=Ann' });
  await bar(ann, 'unusable').waitFor();
  assert.match(await bar(ann, 'unusable').innerText(), /Stored edits cannot be used: .+/);
});

/** A page of the same origin that is not the app: whatever build the test wants. */
async function otherBuild(browser, profile, server) {
  browser.errors.expect(/favicon/);
  const page = await profile.newPage();
  await page.goto(`${server.url}/healthz`);
  return page;
}

scenario('a tab of an older build that holds the storage is named, and waited for', async ({ browser, server }) => {
  const profile = await browser.person('ann');
  const older = await otherBuild(browser, profile, server);
  await older.evaluate(() => new Promise((resolve, reject) => {
    const opening = indexedDB.open('driftless/default', 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('rows');
    opening.onsuccess = () => resolve(globalThis.held = opening.result);
    opening.onerror = () => reject(opening.error);
  }).then(() => undefined));
  const ann = await Board.open(profile, server, { path: '/?name=Ann' });
  await bar(ann, 'not-saved').waitFor();
  assert.match(await bar(ann, 'not-saved').innerText(), /older version of this page .*close it/);
  await older.evaluate(() => globalThis.held.close());
  await bar(ann, 'not-saved').waitFor({ state: 'detached' });
  await ann.waitStatus('online');
  await rename(ann, 'Processor', 'Goes on by itself');
  await ann.waitPending(0);
  await ann.reload();
  await ann.waitWidget('Goes on by itself');
});

scenario('a tab lets go of the storage for a newer build, and says what to do', async ({ browser, server }) => {
  const profile = await browser.person('ann');
  const ann = await arrive(Board, profile, server, 'Ann');
  const newer = await otherBuild(browser, profile, server);
  const isBlocked = await newer.evaluate(() => new Promise((resolve, reject) => {
    let isBlocked = false;
    const opening = indexedDB.open('driftless/default', 1000);
    opening.onblocked = () => { isBlocked = true; };
    opening.onsuccess = () => resolve(isBlocked);
    opening.onerror = () => reject(opening.error);
  }));
  assert.equal(isBlocked, false);
  await rename(ann, 'Processor', 'Too late');
  await bar(ann, 'unusable').waitFor();
  assert.match(await bar(ann, 'unusable').innerText(), /newer version of this page .*reload this tab/);
});

scenario('a browser that makes no promise to keep storage is named in the details', async ({ browser, server }) => {
  const profile = await browser.person('ann');
  await profile.addInitScript(() => {
    // Not on about:blank.
    if (globalThis.StorageManager) StorageManager.prototype.persist = async () => false;
  });
  const ann = await arrive(Board, profile, server, 'Ann');
  await rename(ann, 'Processor', 'Kept for now');
  await ann.waitPending(0);
  await ann.locate('indicator').getByRole('button').click();
  await ann.page.getByText('the browser may clear them when space runs out').waitFor();
});

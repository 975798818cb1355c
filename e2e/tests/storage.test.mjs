// The browser's IndexedDB keeps what a replica's storage promises: the conformance suite of the
// store, compiled for the browser and run in a page.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { play } from '../harness/scenario.mjs';
import { Server } from '../harness/server.mjs';

test('IndexedDB passes the conformance suite', async () => {
  const server = await Server.start({ web: process.env.DRIFTLESS_CONFORMANCE });
  try {
    await play('conformance', { server }, async ({ browser }) => {
      const page = await (await browser.person('ada')).newPage();
      await page.goto(server.url);
      await page.waitForFunction(() => document.title === 'done');
      const lines = await page.locator('p').allInnerTexts();
      assert.ok(lines.length > 10, `a line for each case: ${lines.length}`);
      assert.deepEqual(lines.filter((line) => !line.startsWith('ok ')).slice(0, -1), []);
      assert.match(lines.at(-1), /^\d+ passed, 0 failed$/);
    });
  } finally {
    await server.dispose();
  }
});

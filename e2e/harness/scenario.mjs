// One browser test: a fresh server, a fresh Chromium, and a verdict that includes what the pages
// themselves complained about.

import { test } from 'node:test';
import { Browser } from './browser.mjs';
import { OUTAGE } from './errors.mjs';
import { Server } from './server.mjs';

/**
 * Declares a test. `body` gets `{ browser, server, expectOutage }`; call `expectOutage()` where
 * the test takes the server or the network away. `options` are those of `Server.start`, and
 * `chromium`: more of Playwright's for its start.
 */
export function scenario(name, body, options = {}) {
  test(name, () => stage(name, body, options));
}

async function stage(name, body, options) {
  const server = await Server.start(options);
  try {
    await play(name, { server }, body, options.chromium);
  } catch (error) {
    console.log(`The server's last lines:\n${server.log}`);
    throw error;
  } finally {
    await server.dispose();
  }
}

/** The browser did not keep a page that was left, and loaded it anew. */
export class LetGo extends Error {}

const VISITS_MAX = 5;

/**
 * A test of a page that the browser keeps while it is left. A browser may let go of any: when the
 * garbage collector finalizes something of it, for one. Where `body` throws `LetGo`, all begins
 * anew; a page that is never kept has something about it that forbids it.
 */
export function keptScenario(name, body) {
  const options = { chromium: { ignoreDefaultArgs: ['--disable-back-forward-cache'] } };
  test(name, async () => {
    for (let visits = 1; ; visits += 1) {
      try {
        return await stage(name, body, options);
      } catch (error) {
        if (!(error instanceof LetGo) || visits === VISITS_MAX) throw error;
      }
    }
  });
}

/** Runs `body` with a fresh Chromium, and fails if a page met an error that nobody expected. */
export async function play(name, given, body, chromium = {}) {
  const browser = await Browser.launch(chromium);
  try {
    await body({ ...given, browser, expectOutage: () => browser.errors.expect(OUTAGE) });
    const errors = browser.errors.unexpected();
    if (errors.length > 0) throw new Error(`pages met errors:\n${errors.join('\n')}`);
  } catch (error) {
    await browser.photograph(name);
    throw error;
  } finally {
    await browser.close();
  }
}

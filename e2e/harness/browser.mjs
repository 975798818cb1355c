// One Chromium, and people in it: each has a browser profile of their own.

import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { PageErrors } from './errors.mjs';

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // A name that is not this machine to the browser: as plain http from elsewhere.
  '--host-resolver-rules=MAP lan.test 127.0.0.1',
];

const RESULTS = fileURLToPath(new URL('../results/', import.meta.url));

/** How long a person waits for anything before the test fails, in milliseconds. */
export const PATIENCE_MS = 15_000;

export class Browser {
  errors = new PageErrors();
  #chromium;
  #people = [];

  /** `options`: more of Playwright's. */
  static async launch(options = {}) {
    const browser = new Browser();
    browser.#chromium = await chromium.launch({
      executablePath: process.env.DRIFTLESS_CHROMIUM ?? '/usr/bin/chromium',
      args: ARGUMENTS,
      ...options,
    });
    return browser;
  }

  /** A fresh profile: nothing stored, nobody's name known. `options` are Playwright's. */
  async person(name, options = {}) {
    const context = await this.#chromium.newContext({
      viewport: { width: 1280, height: 800 },
      reducedMotion: 'reduce',
      ...options,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    // The ten frames that are the default end inside the panic hook.
    await context.addInitScript(() => { Error.stackTraceLimit = 60; });
    context.on('page', (page) => this.errors.watch(page, name));
    this.#people.push({ name, context });
    return context;
  }

  /** Pictures of every open page, in the folder results. */
  async photograph(title) {
    await mkdir(RESULTS, { recursive: true });
    const stem = title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
    for (const { name, context } of this.#people) {
      for (const [index, page] of context.pages().entries()) {
        const path = `${RESULTS}${stem}-${name}-${index + 1}.png`;
        // A crashed page has no picture; the failure that we are here for says more.
        await page.screenshot({ path, timeout: 5000 }).catch(() => {});
      }
    }
  }

  async close() {
    await this.#chromium.close();
  }
}

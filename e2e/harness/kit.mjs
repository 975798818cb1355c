// The page of crates/driftless-leptos/examples/kit_page.rs: every component, in one provider that
// is put up and taken down.

import { test } from 'node:test';
import { play } from './scenario.mjs';
import { Server } from './server.mjs';

/** Declares a test on that page. `body` also gets `open(context, query)`, which answers the page. */
export function kitPage(name, body) {
  test(name, async () => {
    const server = await Server.start({ web: process.env.DRIFTLESS_KIT });
    try {
      const open = async (context, query = '') => {
        const page = await context.newPage();
        await page.goto(`${server.url}/${query}`);
        await page.getByTestId('toggle').waitFor();
        return page;
      };
      await play(name, { server }, (given) => body(given, open));
    } finally {
      await server.dispose();
    }
  });
}

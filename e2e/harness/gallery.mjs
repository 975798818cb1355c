// The gallery: every component on worlds of its own in the page (apps/gallery).

import { test } from 'node:test';
import { play } from './scenario.mjs';
import { Server } from './server.mjs';

/** Declares a test on the gallery. `body` also gets `open(context, slug)`, which answers a page of it. */
export function gallery(name, body) {
  test(name, async () => {
    const server = await Server.start({ web: process.env.DRIFTLESS_GALLERY, options: ['--no-host-metrics'] });
    try {
      const open = async (context, slug) => {
        const page = await context.newPage();
        await page.goto(`${server.url}/#${slug}`);
        await page.locator(`[data-testid="page"][data-page="${slug}"]`).waitFor();
        return page;
      };
      await play(name, { server }, (given) => body(given, open));
    } finally {
      await server.dispose();
    }
  });
}

/** Goes to another page of it. */
export async function go(page, slug) {
  await page.locator(`nav a[href="#${slug}"]`).click();
  await page.locator(`[data-testid="page"][data-page="${slug}"]`).waitFor();
}

/** Makes something happen around what is to be played with. */
export const happen = (page, what) => page.getByRole('button', { name: what, exact: true }).click();

/** Waits until a callback was told something that matches, at all or for the so-manieth time. */
export async function told(page, what, times = 1) {
  await page.getByTestId('told').locator('li').filter({ hasText: what }).nth(times - 1).waitFor();
}

// An example with a page and a server of its own: `examples/NAME`, as `cargo xtask example` runs it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { play } from './scenario.mjs';

/** Declares a test on an example's page. `body` also gets `open(context)`, which answers a page. */
export function examplePage(example, name, body) {
  test(name, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'driftless-example-'));
    const server = start(example, join(folder, 'boards.db'));
    try {
      const url = await address(server);
      const open = async (context) => {
        const page = await context.newPage();
        await page.goto(url);
        await page.getByTestId('sync-indicator').waitFor();
        return page;
      };
      await play(name, {}, (given) => body(given, open));
    } finally {
      const ended = once(server, 'exit');
      server.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    }
  });
}

function start(example, boards) {
  const variable = `DRIFTLESS_${example.toUpperCase().replaceAll('-', '_')}`;
  const { [`${variable}_SERVER`]: executable, [`${variable}_PAGE`]: page } = process.env;
  const words = [page, boards, '127.0.0.1:0'];
  return spawn(executable, words, { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** What the server says first is where it listens. */
async function address(server) {
  for await (const line of createInterface({ input: server.stdout })) {
    const [, url] = /^listening on (\S+)$/.exec(line) ?? [];
    if (url) return url;
  }
  throw new Error('the example ended before it listened');
}

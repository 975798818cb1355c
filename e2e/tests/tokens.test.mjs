// Every token that a style uses is defined: one that is not makes its whole declaration void, unsaid.

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const STYLES = fileURLToPath(new URL('../../apps/dashboard/static/', import.meta.url));

test('no style uses a token that is not defined', async () => {
  const files = (await readdir(STYLES)).filter((name) => name.endsWith('.css'));
  const text = (await Promise.all(files.map((name) => readFile(STYLES + name, 'utf8')))).join('\n');
  const found = (pattern) => new Set([...text.matchAll(pattern)].map(([, token]) => token));
  const used = found(/var\((--[a-z0-9-]+)/g);
  const defined = found(/(?:^|[{;])\s*(--[a-z0-9-]+):/gm);
  assert.ok(used.size > 20, 'the styles use tokens');
  assert.deepEqual([...used].filter((token) => !defined.has(token)), []);
});

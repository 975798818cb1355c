// What a person hands to a maintainer, and what the console says: without the token.

import assert from 'node:assert/strict';
import { arrive, rename } from '../harness/acts.mjs';
import { Board } from '../harness/page.mjs';
import { scenario } from '../harness/scenario.mjs';

async function openDetails(board) {
  await board.locate('indicator').getByRole('button').first().click();
  await board.locate('copyDiagnostics').waitFor();
}

/** What every bundle of this page has to say. */
function check(bundle, board) {
  assert.equal(bundle.format, 1);
  assert.match(bundle.runs_in, /Chrome/);
  assert.equal(bundle.endpoint, `${new URL(board.page.url()).origin.replace('http', 'ws')}/rt`);
  assert.match(bundle.application.Page, /^[0-9a-f]{16}$/);
  assert.equal(bundle.boards[0].board, 'this-machine');
  assert.ok(bundle.history.some(({ what }) => what === 'connection online'));
}

scenario('the details copy what a maintainer needs to see, without the token', async ({
  browser, server,
}) => {
  const create = ['token', 'create', '--name', 'Ann', '--role', 'owner', '--url', server.url];
  const { link } = JSON.parse(await server.run(...create, '--json'));
  const token = decodeURIComponent(new URL(link).hash.slice('#token='.length));
  const profile = await browser.person('ann');
  await profile.grantPermissions(['clipboard-read', 'clipboard-write']);
  const lines = [];
  profile.on('console', (message) => lines.push(message.text()));
  const path = `/?log=trace#token=${encodeURIComponent(token)}`;
  const ann = await Board.open(profile, server, { path });
  await ann.waitStatus('online');
  await ann.locate('widget').first().waitFor();
  await rename(ann, 'Processor', 'Something private');
  await ann.waitPending(0);

  await openDetails(ann);
  await ann.locate('copyDiagnostics').click();
  await ann.locate('diagnosticsCopied').waitFor();
  const copied = await ann.page.evaluate(() => navigator.clipboard.readText());
  const bundle = JSON.parse(copied);
  check(bundle, ann);
  assert.equal(bundle.connection.state, 'online');
  assert.equal(bundle.storage.verdict, 'durable');
  assert.ok(bundle.counters.edits_applied >= 1);
  for (const secret of [token, 'Something private']) {
    assert.ok(!copied.includes(secret), `${secret} is in the bundle`);
    assert.ok(!lines.some((line) => line.includes(secret)), `${secret} is on the console`);
  }
  assert.ok(lines.some((line) => line.includes('sent kind="hello"')), lines.join('\n'));
  assert.ok(lines.some((line) => line.includes('state="online"')), 'the console tells of it');
});

scenario('the console is silent unless the address or this browser asks', async ({
  browser, server,
}) => {
  const profile = await browser.person('ann');
  const lines = [];
  profile.on('console', (message) => lines.push(message.text()));
  /** How many lines a new page logs until it is live. */
  const told = async (level) => {
    const path = `/?name=Ann${level}`;
    const ann = await arrive(Board, profile, server, 'Ann', { path });
    await ann.close();
    return lines.splice(0).filter((line) => line.includes('[driftless')).length;
  };
  assert.equal(await told(''), 0);
  assert.ok((await told('&log=info')) > 0);
  assert.ok((await told('')) > 0, 'this browser remembers');
  assert.equal(await told('&log=off'), 0);
});

scenario('where there is no clipboard the text is there to be taken', async ({ browser, server }) => {
  browser.errors.expect(/Cross-Origin-Opener-Policy header has been ignored/);
  const far = { url: server.url.replace('127.0.0.1', 'lan.test') };
  const ann = await arrive(Board, await browser.person('ann'), far, 'Ann');
  await openDetails(ann);
  await ann.locate('copyDiagnostics').click();
  const text = ann.locate('diagnosticsText');
  await text.waitFor();
  check(JSON.parse(await text.inputValue()), ann);
  const saving = ann.page.waitForEvent('download');
  await ann.page.getByRole('button', { name: 'Save as a file' }).click();
  assert.equal((await saving).suggestedFilename(), 'driftless-diagnostics.json');
}, { options: ['--insecure'] });

// The harness itself: a test must fail when a page breaks, even if nothing else looks wrong.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort } from '../harness/port.mjs';
import { play, scenario } from '../harness/scenario.mjs';

const page = (script) => `data:text/html,<title>tiny</title><p>shown</p><script>${script}</script>`;

async function visit(script, during = () => {}) {
  await play('harness', {}, async ({ browser, expectOutage }) => {
    const person = await browser.person('ada');
    const tab = await person.newPage();
    during({ browser, expectOutage });
    await tab.goto(page(script));
    assert.equal(await tab.locator('p').innerText(), 'shown');
  });
}

test('a page without errors passes', async () => {
  await visit('console.log("fine"); console.warn("still fine")');
});

test('an exception in a page fails its test', async () => {
  await assert.rejects(visit('throw new Error("broken widget")'), /broken widget/);
});

test('an error on the console fails its test', async () => {
  await assert.rejects(visit('console.error("lost an edit")'), /\[ada\] console: lost an edit/);
});

test('an expected error does not hide another one', async () => {
  const script = 'console.error("known"); console.error("unknown")';
  const during = ({ browser }) => browser.errors.expect(/console: known/);
  await assert.rejects(visit(script, during), (error) => {
    assert.match(error.message, /console: unknown/);
    assert.doesNotMatch(error.message, /console: known/);
    return true;
  });
});

test('a refused connection is an error until the test announces an outage', async () => {
  const socket = `new WebSocket("ws://127.0.0.1:${await freePort()}/")`;
  const script = `${socket}.onerror = () => document.title = "refused"`;
  const wait = async ({ browser, expectOutage }, announced) => {
    const tab = await (await browser.person('ada')).newPage();
    if (announced) expectOutage();
    await tab.goto(page(script));
    await tab.waitForFunction(() => document.title === 'refused');
  };
  await play('announced outage', {}, (given) => wait(given, true));
  await assert.rejects(play('outage', {}, (given) => wait(given, false)), /ERR_/);
});

scenario('a killed server comes back on the same port', async ({ server }) => {
  const health = `${server.url}/healthz`;
  await server.kill9();
  await assert.rejects(fetch(health));
  await server.restart();
  assert.equal((await fetch(health)).status, 200);
  await server.stop();
  assert.equal(server.isRunning, false);
});

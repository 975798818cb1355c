// A provider that is unmounted leaves nothing behind.

import assert from 'node:assert/strict';
import { kitPage } from '../harness/kit.mjs';

const ROUNDS = 200;

/** Counts what a page holds that outlives its elements. Runs in the page, before its scripts. */
function count() {
  const held = { sockets: new Set(), channels: new Set(), timers: new Set(), intervals: new Set() };
  globalThis.held = held;
  const { setTimeout: later, clearTimeout: never, setInterval: often, clearInterval: stop } = globalThis;
  globalThis.setTimeout = (run, ...rest) => {
    const timer = later((...given) => {
      held.timers.delete(timer);
      run(...given);
    }, ...rest);
    held.timers.add(timer);
    return timer;
  };
  globalThis.clearTimeout = (timer) => {
    held.timers.delete(timer);
    never(timer);
  };
  globalThis.setInterval = (...given) => {
    const timer = often(...given);
    held.intervals.add(timer);
    return timer;
  };
  globalThis.clearInterval = (timer) => {
    held.intervals.delete(timer);
    stop(timer);
  };
  globalThis.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      held.sockets.add(this);
      this.addEventListener('close', () => held.sockets.delete(this));
    }
  };
  globalThis.BroadcastChannel = class extends BroadcastChannel {
    constructor(...given) {
      super(...given);
      held.channels.add(this);
    }

    close() {
      held.channels.delete(this);
      super.close();
    }
  };
}

/** What is held now: in the page, and by the browser for it. */
async function held(page, devtools) {
  await devtools.send('HeapProfiler.collectGarbage');
  const { metrics } = await devtools.send('Performance.getMetrics');
  const metric = (name) => metrics.find((one) => one.name === name).value;
  const inPage = await page.evaluate(async () => {
    const { held: all } = globalThis;
    const locks = await navigator.locks.query();
    return {
      sockets: all.sockets.size,
      channels: all.channels.size,
      timers: all.timers.size,
      intervals: all.intervals.size,
      locks: locks.held.length + locks.pending.length,
    };
  });
  const wasm = await page.evaluate(() => globalThis.wasmBytes());
  const memory = { wasm, heap: metric('JSHeapUsedSize') };
  return { ...inPage, listeners: metric('JSEventListeners'), nodes: metric('Nodes'), memory };
}

/** Puts the provider up until it is live, with a message that would stay for an hour, and takes it down. */
async function round(page) {
  await page.getByTestId('toggle').click();
  // No handle of an element: it would be kept for the test.
  await page.getByTestId('connection').getByText('online').waitFor();
  await page.getByTestId('say').click();
  await page.getByTestId('toast').getByText('Still here').waitFor({ state: 'attached' });
  await page.getByTestId('toggle').click();
  await page.waitForFunction(() => Object.values(globalThis.held).every(({ size }) => size === 0));
}

kitPage(`a provider that was mounted and unmounted ${ROUNDS} times has left nothing`, async ({
  browser,
}, open) => {
  const context = await browser.person('ann');
  await context.addInitScript(count);
  const page = await open(context);
  const devtools = await context.newCDPSession(page);
  await devtools.send('Performance.enable');
  // What is made once and kept (code, caches) is made in the first rounds.
  for (let number = 0; number < 10; number += 1) await round(page);
  const before = await held(page, devtools);
  for (let number = 0; number < ROUNDS; number += 1) await round(page);
  const after = await held(page, devtools);
  for (const what of ['sockets', 'channels', 'timers', 'intervals', 'locks']) {
    assert.equal(after[what], 0, what);
  }
  assert.equal(after.listeners, before.listeners, 'listeners');
  assert.equal(after.nodes, before.nodes, 'nodes');
  const grown = (what) => after.memory[what] - before.memory[what];
  assert.ok(grown('wasm') <= 1 << 20, `WebAssembly's memory grew by ${grown('wasm')} bytes`);
  assert.ok(grown('heap') <= 1 << 20, `JavaScript's memory grew by ${grown('heap')} bytes`);
});

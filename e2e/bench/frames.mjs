// Frames per second of a page with 200 wrapped widgets while somebody else writes 5,000 leaves a
// second into them, beside the frames of the same page at rest. Told, not judged: `cargo xtask frames`.

import { setTimeout as delay } from 'node:timers/promises';
import { Browser } from '../harness/browser.mjs';
import { Server } from '../harness/server.mjs';
import { Writer } from '../harness/writer.mjs';

const WIDGETS = 200;
const LEAVES_EACH_SECOND = 5_000;
const EDITS_EACH_SECOND = 100;
const MEASURED_MS = 10_000;
const WARM_MS = 3_000;

const record = (number) => `w${number % WIDGETS}`;

function created(number) {
  const leaves = { title: `Widget ${number}`, 'layout/lg': [0, 0, 1, 1] };
  return { record: record(number), seen: 0, op: { create: { kind: 'note', leaves } } };
}

function moved(number) {
  const value = [number % 12, Math.floor(number / 12) % 1_000, 1, 1];
  return { record: record(number), seen: 0, op: { set: { leaf: 'layout/lg', value } } };
}

/** Writes at a steady rate until it is told to stop; answers how many leaves were applied. */
async function write(writer, stop) {
  const each = LEAVES_EACH_SECOND / EDITS_EACH_SECOND;
  const began = performance.now();
  let [edits, applied] = [0, 0];
  while (!stop.aborted) {
    const due = Math.floor(((performance.now() - began) / 1_000) * EDITS_EACH_SECOND);
    for (; edits < due; edits += 1) {
      const changes = Array.from({ length: each }, (_, index) => moved(edits * each + index));
      writer.edit(changes).then(() => (applied += each));
    }
    await delay(5);
  }
  return { applied, ms: performance.now() - began };
}

/** The frames of some seconds: how many a second, and how long one of a hundred took. */
function frames(page) {
  return page.evaluate(
    (ms) =>
      new Promise((resolve) => {
        const gaps = [];
        let last = performance.now();
        const end = last + ms;
        const tick = (now) => {
          gaps.push(now - last);
          last = now;
          if (now < end) return requestAnimationFrame(tick);
          gaps.sort((a, b) => a - b);
          const at = (share) => gaps[Math.floor(gaps.length * share)];
          resolve({ each_second: (gaps.length * 1_000) / ms, p50_ms: at(0.5), p99_ms: at(0.99) });
        };
        requestAnimationFrame(tick);
      }),
    MEASURED_MS,
  );
}

const server = await Server.start({ web: process.env.DRIFTLESS_KIT });
const browser = await Browser.launch({});
try {
  const writer = await Writer.join(server, 'wall');
  for (let first = 0; first < WIDGETS; first += 50) {
    await writer.edit(Array.from({ length: 50 }, (_, index) => created(first + index)));
  }
  const page = await (await browser.person('ann')).newPage();
  await page.goto(server.url);
  await page.getByTestId('wall').click();
  await page.getByTestId('wall-widgets').locator('p').nth(WIDGETS - 1).waitFor();
  await delay(WARM_MS);
  const rest = await frames(page);

  const stopping = new AbortController();
  const writing = write(writer, stopping.signal);
  await delay(WARM_MS);
  const shown = () => page.getByTestId('wall-widgets').innerText();
  const before = await shown();
  const busy = await frames(page);
  const after = await shown();
  stopping.abort();
  const { applied, ms } = await writing;
  writer.close();
  if (before === after) throw new Error('nothing moved on the page');
  const leaves_each_second = Math.round((applied * 1_000) / ms);
  console.log(JSON.stringify({ widgets: WIDGETS, leaves_each_second, rest, busy }, null, 2));
} finally {
  await browser.close();
  await server.dispose();
}

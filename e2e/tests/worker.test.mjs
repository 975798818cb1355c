// The service worker by itself: what two builds of it do to each other's caches, step by step.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import vm from 'node:vm';

const SOURCE = await readFile(new URL('../../apps/dashboard/static/worker.js', import.meta.url), 'utf8');
const SCOPE = 'https://boards.test/';

/** The caches of an origin. What is put into one that was deleted is gone with it, as in a browser. */
class Caches {
  #caches = new Map();

  async open(name) {
    if (!this.#caches.has(name)) this.#caches.set(name, new Map());
    const kept = this.#caches.get(name);
    const put = async (url, answer) => void kept.set(String(url), await answer.clone().text());
    return {
      put,
      match: async (url) => kept.get(String(url)),
      addAll: async (requests) => {
        for (const { url } of requests) await put(url, await Caches.server(url));
      },
    };
  }

  async match(url, { cacheName }) {
    const text = this.#caches.get(cacheName)?.get(String(url));
    return text === undefined ? undefined : new Response(text);
  }

  async keys() {
    return [...this.#caches.keys()];
  }

  async delete(name) {
    return this.#caches.delete(name);
  }

  /** The builds with a copy, and the one that a page without a server opens with. */
  async builds() {
    const newest = await this.match(SCOPE, { cacheName: `driftless ${SCOPE} newest` });
    const names = [...this.#caches].filter(([, kept]) => kept.size > 0).map(([name]) => name.split(' ').at(-1));
    return { newest: await newest?.text(), kept: names.filter((name) => name !== 'newest').sort() };
  }

  static server = async (url) => new Response(`a file at ${url}`);
}

/** The worker of a build. `page` is what the server answers with where its page is asked for. */
function worker(build, caches, page = async () => {}) {
  const listeners = {};
  const self = {
    location: `${SCOPE}worker.js`,
    registration: { active: undefined },
    clients: { claim: async () => {}, matchAll: async () => [] },
    addEventListener: (name, listener) => { listeners[name] = listener; },
  };
  const fetch = async () => {
    await page();
    return new Response(`<script src="/assets/${build}/boot.js">`);
  };
  const script = SOURCE.replace('{{build}}', build).replace('{{files}}', `assets/${build}/boot.js`);
  vm.runInNewContext(script, { self, caches, fetch, URL, Request, Response, setTimeout });
  const happens = (name) => new Promise((resolve, reject) => {
    listeners[name]({ waitUntil: (work) => work.then(resolve, reject) });
  });
  return { install: () => happens('install'), activate: () => happens('activate') };
}

test('a build that another one clears away while it is installed is not left without its files', async () => {
  const caches = new Caches();
  const first = worker('one', caches);
  await first.install();
  let isCleared = false;
  const second = worker('two', caches, async () => {
    if (isCleared) return;
    isCleared = true;
    await first.activate();
  });
  await assert.rejects(second.install(), /cleared away/);
  assert.deepEqual(await caches.builds(), { newest: 'one', kept: ['one'] });
  await second.install();
  assert.deepEqual(await caches.builds(), { newest: 'two', kept: ['one', 'two'] });
  await second.activate();
  assert.deepEqual(await caches.builds(), { newest: 'two', kept: ['two'] });
});

test('what an earlier installation left whole stays where a later one fails', async () => {
  const caches = new Caches();
  await worker('one', caches).install();
  const again = worker('one', caches, () => Promise.reject(new TypeError('Failed to fetch')));
  await assert.rejects(again.install(), /Failed to fetch/);
  assert.deepEqual(await caches.builds(), { newest: 'one', kept: ['one'] });
});

test('a build that is being installed is not cleared away as the oldest of many', async () => {
  const caches = new Caches();
  const first = worker('one', caches, async () => {
    for (const build of ['two', 'three', 'four', 'five']) await worker(build, caches).install();
  });
  await first.install();
  const { newest, kept } = await caches.builds();
  assert.equal(newest, 'one');
  assert.ok(kept.includes('one'));
});

// Keeps a copy of the page itself, so that it opens while there is no server, and keeps nothing
// else: what boards hold is the app's to store, and whatever tells of now (the socket, feeds,
// metrics, /api) goes past this worker.
//
// A build's files lie in a folder of its own (assets/BUILD/) and in a cache of its own, so a new
// build never takes anything from a tab that runs an older one. It replaces nothing while such a
// tab is open: this worker waits, and only the choice of what a page without a server opens with
// (the cache "newest") has moved on. Whatever fails before that leaves the build before in place.

const BUILD = '{{build}}';
const FILES = '{{files}}'.split(' ');
const SCOPE = new URL('./', self.location).href;
const PREFIX = `driftless ${SCOPE} `;
const NEWEST = `${PREFIX}newest`;

/** What the app routes itself, below the scope: as the server does. */
const PAGES = /^(b\/.+|demo(\/.*)?)?$/;

/** Caches of older builds that stay while their tabs may be open. */
const OLDER_MAX = 3;

/** How long a page waits for a slow network before the copy is shown, in milliseconds. */
const NETWORK_MS_MAX = 3000;

self.addEventListener('install', (event) => event.waitUntil(install()));
self.addEventListener('activate', (event) => event.waitUntil(activate()));
// A page found no copy: the browser has cleared the caches and left the worker.
self.addEventListener('message', (event) => {
  if (event.data !== 'keep') return;
  const failed = () => event.source.postMessage({ scope: SCOPE, failed: true });
  event.waitUntil(install().catch(failed));
});
self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || !request.url.startsWith(SCOPE)) return;
  const path = request.url.slice(SCOPE.length).split(/[?#]/)[0];
  if (request.mode === 'navigate') {
    if (PAGES.test(path)) event.respondWith(page(request));
    return;
  }
  const [, build] = /^assets\/([^/]+)\/./.exec(path) ?? [];
  if (build) event.respondWith(file(request, build));
});

/** One at a time: what one has begun is not another one's to take down. */
let installing;
function install() {
  installing ??= make().finally(() => { installing = undefined; });
  return installing;
}

async function make() {
  const name = PREFIX + BUILD;
  const cache = await caches.open(name);
  try {
    // Never a page that a proxy answers with in place of ours: no redirects, and it names us.
    const answer = await fetch(SCOPE, { cache: 'no-cache', redirect: 'error' });
    const names = (await answer.clone().text()).includes(`assets/${BUILD}/`);
    if (!answer.ok || !names) throw new Error('the server has another build by now');
    await cache.addAll(FILES.map((path) => new Request(SCOPE + path, { redirect: 'error' })));
    await cache.put(SCOPE, answer);
    // A build that became active meanwhile clears away what is not whole.
    if (!(await found(SCOPE, name))) throw new Error('the copy was cleared away');
    await (await caches.open(NEWEST)).put(SCOPE, new Response(BUILD));
  } catch (error) {
    // What an earlier installation left whole stays: its tabs may be open.
    if (!(await cache.match(SCOPE))) await caches.delete(name);
    throw error;
  }
  await forget(OLDER_MAX);
  // The very first has nothing to tell of before it is active.
  if (self.registration.active) await tell();
}

/** No tab of an older build is left. */
async function activate() {
  await forget(0);
  await self.clients.claim();
  await tell();
}

/**
 * Deletes the caches of all builds but this, the newest, and the youngest others. One that is not
 * whole, or not yet, is no build: it stays until none is kept.
 */
async function forget(keptOthers) {
  const kept = [NEWEST, PREFIX + BUILD, PREFIX + (await newest())];
  const names = await caches.keys();
  const others = [];
  for (const name of names) {
    if (!name.startsWith(PREFIX) || kept.includes(name)) continue;
    if (keptOthers === 0 || (await found(SCOPE, name))) others.push(name);
  }
  const old = others.slice(0, Math.max(others.length - keptOthers, 0));
  await Promise.all(old.map((name) => caches.delete(name)));
}

/** Tells the open pages which build a reload gets. */
async function tell() {
  const build = (await newest()) ?? BUILD;
  const pages = await self.clients.matchAll({ includeUncontrolled: true, type: 'window' });
  for (const page of pages) page.postMessage({ scope: SCOPE, build });
}

async function newest() {
  const answer = await found(SCOPE, NEWEST);
  return answer?.text();
}

/** What a cache has; nothing where the browser cannot read it, since the server may answer. */
async function found(url, cacheName) {
  try {
    return await caches.match(url, { cacheName, ignoreVary: true });
  } catch {
    return undefined;
  }
}

/** The page: the server's, and the copy where it does not answer, or something before it does. */
async function page(request) {
  const copy = (await found(SCOPE, PREFIX + (await newest()))) ?? (await found(SCOPE, PREFIX + BUILD));
  if (!copy) return fetch(request);
  const slow = new Promise((resolve) => setTimeout(resolve, NETWORK_MS_MAX));
  const answer = await Promise.race([fetch(request).catch(() => undefined), slow]);
  return answer && answer.status < 500 ? answer : copy;
}

/** A file of any build whose tab may be open. */
async function file(request, build) {
  return (await found(request.url, PREFIX + build)) ?? fetch(request);
}

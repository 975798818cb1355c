// Has the browser keep a copy of this page, and tells the app: `data-shell` on the document says
// whether there is a copy (`kept`, `failed`, `insecure`), `data-newer` that a reload gets a newer
// build; the event `driftless-shell` says that one of them changed.

const base = new URL('../../', import.meta.url);
const prefix = `driftless ${base.href} `;
const build = import.meta.url.split('/').at(-2);

function tell(name, value) {
  if (value) document.documentElement.dataset[name] = value;
  else delete document.documentElement.dataset[name];
  window.dispatchEvent(new Event('driftless-shell'));
}

/** Whether an installation fails before there was any. */
function watch(registration) {
  const worker = registration.installing;
  worker?.addEventListener('statechange', () => {
    if (worker.state === 'redundant' && !registration.active) tell('shell', 'failed');
  });
}

/** Whether the build that a page without a server opens with is there. */
async function isKept() {
  const find = (cacheName) => caches.match(base.href, { cacheName, ignoreVary: true });
  const newest = await find(`${prefix}newest`);
  return newest !== undefined && (await find(prefix + (await newest.text()))) !== undefined;
}

async function keep(workers) {
  workers.addEventListener('message', ({ data }) => {
    if (data?.scope !== base.href) return;
    tell('shell', data.failed ? 'failed' : 'kept');
    // The newest may be this one again.
    if (data.build) tell('newer', data.build === build ? undefined : data.build);
  });
  workers.startMessages();
  const options = { scope: base.pathname, updateViaCache: 'none' };
  const registration = await workers.register(new URL('worker.js', base), options);
  registration.addEventListener('updatefound', () => watch(registration));
  watch(registration);
  const ready = registration.waiting ?? registration.active;
  if (ready && (await isKept())) tell('shell', 'kept');
  else ready?.postMessage('keep');
  // No server, no news: the next look will tell.
  const look = () => registration.update().catch(() => {});
  window.addEventListener('driftless-online', look);
  document.addEventListener('visibilitychange', () => document.hidden || look());
}

// A worker sees the folder and what is below, not the folder's name without the slash.
if (`${location.pathname}/` === base.pathname) {
  history.replaceState(history.state, '', base.pathname + location.search + location.hash);
}
if (navigator.serviceWorker) keep(navigator.serviceWorker).catch(() => tell('shell', 'failed'));
else tell('shell', isSecureContext ? 'failed' : 'insecure');

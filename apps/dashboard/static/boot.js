// Starts the app. What goes wrong before it runs is said here, since nothing else can.
import init from './driftless_dashboard.js';

// The theme comes first, so that the page does not flash in the other one.
try {
  const theme = localStorage.getItem('driftless/theme');
  if (theme === 'dark' || theme === 'light') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is refused: the system's theme it is.
}

function fail(error) {
  const message = document.createElement('main');
  message.className = 'boot-error';
  message.setAttribute('role', 'alert');
  const heading = document.createElement('h1');
  heading.textContent = 'The board cannot start';
  const cause = document.createElement('p');
  cause.textContent = `${error?.message ?? error}`;
  const advice = document.createElement('p');
  advice.textContent = 'Reload the page. If that does not help, use a current browser with WebAssembly.';
  message.append(heading, cause, advice);
  document.getElementById('app').replaceChildren(message);
}

const base = new URL('../../', import.meta.url);
const isDemo = /^demo(\/|$)/.test(location.pathname.slice(base.pathname.length));
const start = isDemo
  ? import('./demo.js').then(({ show }) => show(base))
  : init({ module_or_path: new URL('driftless_dashboard_bg.wasm', import.meta.url) });

start
  .catch(fail)
  // The board works without: what is lost is that it opens without a server.
  .finally(() => import('./shell.js').catch(() => {
    document.documentElement.dataset.shell = 'failed';
    window.dispatchEvent(new Event('driftless-shell'));
  }));

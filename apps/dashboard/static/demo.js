// The page /demo: one board twice, side by side. Each side is the app itself in a frame, a replica
// with storage, a name and a cable of its own; nothing passes between them but through the server.
// Where the server was started for that (`serve --demo`), it can be killed from here.

const SIDES = [['left', 'Guest left'], ['right', 'Guest right']];
const LOOK_MS = 1000;
// A server that was told to die may answer for a moment longer.
const DYING_MS = 500;
const STEPS = [
  'Switch both network cables off: each side goes on by itself.',
  'Unlock both sides (the lock, or the key e), and give the same widget two different titles.',
  'Switch them on again. Whoever comes second sees what it was, what the other wrote and what they wrote, and decides.',
  'Ctrl+Z takes the decision back. What became of each change stands at the top of each side.',
];
const KILL_STEP = 'Kill the server while you edit. It comes back after a few seconds; nothing is lost or doubled.';

/** An element with what it is, and what is in it. */
function make(tag, properties = {}, ...content) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  element.append(...content);
  return element;
}

/** The address of one side. A token in the fragment of this page is for both. */
function address(base, [replica, name]) {
  const rest = location.pathname.slice(base.pathname.length).replace(/^demo\/?/, '').replace(/\/$/, '');
  const url = new URL(rest ? `b/${rest}` : '', base);
  url.search = new URLSearchParams({ replica, name, account: '' });
  url.hash = location.hash;
  return url.href;
}

function sides(base) {
  const frame = (side) => make('iframe', {
    title: side[1], src: address(base, side), class: 'demo-side', 'data-testid': `demo-${side[0]}`,
  });
  return make('main', { class: 'demo-sides', 'data-shown': 'left' }, ...SIDES.map(frame));
}

/** Which side a narrow window shows. */
function choice(main) {
  const buttons = SIDES.map(([side, name]) => {
    const button = make('button', { type: 'button', class: 'button', 'data-testid': `demo-show-${side}` }, name);
    button.addEventListener('click', () => show(side));
    return button;
  });
  const show = (shown) => {
    main.dataset.shown = shown;
    SIDES.forEach(([side], index) => buttons[index].setAttribute('aria-pressed', `${side === shown}`));
  };
  show('left');
  return make('div', { class: 'demo-choice', role: 'group', 'aria-label': 'Which side is shown' }, ...buttons);
}

const HOW = { running: 'Server runs', killed: 'Server killed; it comes back in a moment', away: 'Server does not answer' };

/** The server, and the button that kills it. */
function server(base) {
  const word = make('span', { role: 'status', 'data-testid': 'demo-server-state' });
  const button = make('button', { type: 'button', class: 'button', 'data-kind': 'danger', 'data-testid': 'kill-server' }, 'Kill server');
  const box = make('div', { class: 'demo-server', 'data-testid': 'demo-server' }, word, button);
  const tell = (state) => {
    if (box.dataset.state === state) return;
    box.dataset.state = state;
    word.textContent = HOW[state];
    // A button that is disabled loses the focus.
    button.setAttribute('aria-disabled', `${state !== 'running'}`);
  };
  tell('running');
  let dead = 0;
  const look = async () => {
    const asked = performance.now();
    const answer = await fetch(new URL('api/demo', base), { cache: 'no-store' }).catch(() => undefined);
    if (answer?.ok && asked >= dead) tell('running');
    else if (!answer?.ok && box.dataset.state === 'running') tell('away');
    setTimeout(look, LOOK_MS);
  };
  setTimeout(look, LOOK_MS);
  button.addEventListener('click', async () => {
    if (box.dataset.state !== 'running') return;
    // What was asked before says nothing about the time after. It may be gone before it has answered.
    dead = Infinity;
    await fetch(new URL('api/demo/kill', base), { method: 'POST' }).catch(() => undefined);
    tell('killed');
    dead = performance.now() + DYING_MS;
  });
  return box;
}

function steps(texts) {
  const list = make('ol', {}, ...texts.map((text) => make('li', {}, text)));
  return make('details', { class: 'demo-steps' }, make('summary', {}, 'What to try'), list);
}

/** Whether the server was started to be killed. */
async function mayKill(base) {
  const answer = await fetch(new URL('api/demo', base), { cache: 'no-store' }).catch(() => undefined);
  return answer?.ok === true && (await answer.json()).kill === true;
}

function followTheme() {
  window.addEventListener('storage', () => {
    const theme = localStorage.getItem('driftless/theme');
    if (theme === 'dark' || theme === 'light') document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  });
}

/** Puts the page up. */
export async function show(base) {
  document.title = 'Demo · Driftless';
  const style = make('link', { rel: 'stylesheet', href: new URL('demo.css', import.meta.url).href });
  const styled = new Promise((done) => { style.onload = style.onerror = done; });
  document.head.append(style);
  const main = sides(base);
  history.replaceState(history.state, '', location.pathname + location.search);
  followTheme();
  const kills = await mayKill(base);
  await styled;
  const bar = make('header', { class: 'demo-bar' },
    make('h1', {}, 'Two people, one board'),
    steps(kills ? [...STEPS, KILL_STEP] : STEPS),
    choice(main),
    ...(kills ? [server(base)] : []),
    make('a', { class: 'button', href: base.href }, 'Leave'));
  document.getElementById('app').replaceChildren(make('div', { class: 'demo' }, bar, main));
}

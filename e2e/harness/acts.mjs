// What people do on a board, one function an act. Each waits until its own page shows the effect.

/** Opens the default board as somebody with a name, and waits until it is live. */
export async function arrive(Board, context, server, name, options = {}) {
  const path = `/?name=${encodeURIComponent(name)}`;
  const board = await Board.open(context, server, { path, ...options });
  await board.waitStatus('online');
  await board.page.waitForSelector('[data-testid="board"][data-loaded="true"]');
  await board.locate('widget').first().waitFor();
  return board;
}

export async function unlock(board) {
  const lock = board.locate('lock');
  if ((await lock.getAttribute('data-state')) === 'locked') await lock.click();
  await board.page.waitForSelector('[data-testid="lock-toggle"][data-state="unlocked"]');
}

/** The version of the board on this page. */
export async function version(board) {
  return Number(await board.locate('board').getAttribute('data-version'));
}

/** Waits until this page has the board at a version, or later. */
export async function waitVersion(board, expected) {
  await board.page.waitForFunction(
    (least) => Number(document.querySelector('[data-testid="board"]').dataset.version) >= least,
    expected,
  );
}

export async function openSettings(board, widget) {
  await board.locate('widgetSettings', widget).click();
  await board.locate('settingsTitle', widget).waitFor();
}

/** Renames a widget through its settings, and closes them. */
export async function rename(board, title, next) {
  await unlock(board);
  await openSettings(board, board.widget(title));
  const field = board.locate('settingsTitle');
  await field.fill(next);
  await field.press('Enter');
  await field.press('Escape');
  await board.waitWidget(next);
}

export async function renameBoard(board, next) {
  await unlock(board);
  await board.locate('boardTitleEdit').click();
  const field = board.locate('boardTitleInput');
  await field.fill(next);
  await field.press('Enter');
}

/** Adds a widget of a kind from the menu; answers the new record's id. */
export async function add(board, kind) {
  await unlock(board);
  const before = await records(board);
  await board.locate('addWidget').click();
  await board.page.locator(`[data-testid="add-${kind}"]`).click();
  await board.page.waitForFunction(
    (count) => document.querySelectorAll('[data-testid="widget"]').length > count,
    before.length,
  );
  return (await records(board)).find((record) => !before.includes(record));
}

/** The record ids of all widgets on the page. */
export async function records(board) {
  return board.locate('widget').evaluateAll((all) => all.map((one) => one.dataset.record));
}

export function record(board, id) {
  return board.page.locator(`[data-testid="widget"][data-record="${id}"]`);
}

/** Where a widget is: "x,y,w,h" in cells. */
export async function place(widget) {
  return widget.getAttribute('data-place');
}

/** Waits until a widget is in a place. */
export async function waitPlace(board, id, expected) {
  const selector = `[data-testid="widget"][data-record="${id}"][data-place="${expected}"]`;
  await board.page.waitForSelector(selector);
}

export async function writeNote(board, widget, text) {
  await unlock(board);
  await board.locate('noteText', widget).click();
  const editor = board.locate('noteEditor', widget);
  await editor.fill(text);
  await editor.press('Control+Enter');
  await board.locate('noteText', widget).waitFor();
}

/** Pulls the network cable of this page, or puts it back. */
export async function cable(board, isConnected) {
  await board.locate('moreMenu').click();
  const toggle = board.locate('cable');
  const wanted = isConnected ? 'connected' : 'cut';
  if ((await toggle.getAttribute('data-state')) !== wanted) await toggle.click();
  await board.page.waitForSelector(`[data-testid="cable-toggle"][data-state="${wanted}"]`);
  await board.page.keyboard.press('Escape');
}

/** Bob renames offline what Ann renames too, and comes back. */
export async function disagree(Board, browser, server) {
  const ann = await arrive(Board, await browser.person('ann'), server, 'Ann');
  const bob = await arrive(Board, await browser.person('bob'), server, 'Bob');
  await cable(bob, false);
  await rename(bob, 'Processor', 'Title of Bob');
  await bob.waitPending(1);
  await rename(ann, 'Processor', 'Title of Ann');
  await ann.waitPending(0);
  await cable(bob, true);
  return { ann, bob };
}

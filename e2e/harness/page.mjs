// A person at a board: they see what is on the screen and use mouse and keyboard, nothing else.

import { PATIENCE_MS } from './browser.mjs';

/** Where things are: the only place that knows. `data-state` on them says how they are. */
const HOOKS = {
  indicator: 'sync-indicator',
  connect: 'connect-button',
  badge: 'pending-badge',
  badgeCount: 'pending-count',
  pendingItem: 'pending-item',
  receipt: 'receipt',
  recentList: 'recent-list',
  retry: 'pending-retry',
  rollBack: 'pending-roll-back',
  retryAll: 'pending-retry-all',
  rollBackAll: 'pending-roll-back-all',
  exportQueue: 'pending-export',
  conflictAlert: 'conflict-alert',
  conflictOpen: 'conflict-open',
  conflictDialog: 'conflict-dialog',
  conflictLeaf: 'conflict-leaf',
  keepMine: 'conflict-keep-mine',
  takeTheirs: 'conflict-take-theirs',
  mergeInput: 'conflict-merge-input',
  applyMerge: 'conflict-apply-merge',
  later: 'conflict-later',
  copyDiagnostics: 'copy-diagnostics',
  diagnosticsCopied: 'diagnostics-copied',
  diagnosticsText: 'diagnostics-text',
  syncProgress: 'sync-progress',
  newerBuild: 'newer-build',
  reload: 'reload',
  keepOpen: 'keep-open',
  board: 'board',
  boardRefused: 'board-refused',
  boardTitle: 'board-title',
  boardTitleEdit: 'board-title-edit',
  boardTitleInput: 'board-title-input',
  lock: 'lock-toggle',
  cable: 'cable-toggle',
  moreMenu: 'more-menu',
  monitor: 'monitor',
  shareOpen: 'share-open',
  shareDialog: 'share-dialog',
  shareName: 'share-name',
  shareFor: 'share-for',
  shareRole: 'share-role',
  shareMake: 'share-make',
  shareLink: 'share-link',
  sharePerson: 'share-person',
  sharePersonRole: 'share-person-role',
  shareChange: 'share-change',
  shareRevoke: 'share-revoke',
  shareRefused: 'share-refused',
  shareSaid: 'share-said',
  shareClose: 'share-close',
  ledger: 'ledger',
  reconnectBill: 'reconnect-bill',
  receipts: 'receipts',
  performance: 'performance',
  addWidget: 'add-widget',
  nameInput: 'name-input',
  nameSave: 'name-save',
  widget: 'widget',
  widgetTitle: 'widget-title',
  widgetHandle: 'widget-handle',
  widgetSettings: 'widget-settings',
  widgetRemove: 'widget-remove',
  widgetConflict: 'widget-conflict',
  settingsTitle: 'settings-title',
  noteText: 'note-text',
  noteEditor: 'note-editor',
  statValue: 'stat-value',
  toast: 'toast',
  toastAction: 'toast-action',
  signInNotice: 'sign-in-notice',
  failure: 'realtime-failure',
  stopped: 'stopped',
};

export const SELECTORS = Object.fromEntries(
  Object.entries(HOOKS).map(([name, hook]) => [name, `[data-testid="${hook}"]`]),
);

export class Board {
  page;

  constructor(page) {
    this.page = page;
  }

  /** Opens the board in a new tab; `replica` makes a second copy in the same profile. */
  static async open(context, server, { replica, path = '/' } = {}) {
    const url = new URL(path, server.url);
    if (replica) url.searchParams.set('replica', replica);
    const board = new Board(await context.newPage());
    await board.page.goto(url.href);
    await board.locate('indicator').waitFor();
    return board;
  }

  /** A board that stands in a frame: what is seen is the frame's, mouse and keyboard the page's. */
  static within(page, frame) {
    const either = (target, name) => {
      const owner = name in target ? target : page;
      const value = owner[name];
      return typeof value === 'function' ? value.bind(owner) : value;
    };
    return new Board(new Proxy(frame, { get: either }));
  }

  /** The element of a name in the table, on the whole page or inside another element. */
  locate(name, inside = this.page) {
    const selector = SELECTORS[name];
    if (!selector) throw new Error(`no selector is called ${name}`);
    return inside.locator(selector);
  }

  /** Waits until the indicator shows one of these states. */
  async waitStatus(...states) {
    await this.#until(
      () => this.locate('indicator').getAttribute('data-state'),
      (state) => states.includes(state),
      `the indicator shows ${states.join(' or ')}`,
    );
  }

  /** How many edits the badge says are not settled; 0 where there is no badge. */
  async pendingCount() {
    const count = this.locate('badgeCount');
    if ((await count.count()) === 0) return 0;
    return Number.parseInt((await count.first().innerText()) || '0', 10);
  }

  /** Waits until the badge counts exactly this many. */
  async waitPending(expected) {
    await this.#until(
      () => this.pendingCount(),
      (count) => count === expected,
      `${expected} edits are pending`,
    );
  }

  /** The widget with this title, exactly. */
  widget(title) {
    const titled = this.page.locator(SELECTORS.widgetTitle, { hasText: exactly(title) });
    return this.locate('widget').filter({ has: titled });
  }

  /** The titles on the screen, in the order of the document. */
  async widgetTitles() {
    const titles = await this.locate('widgetTitle').allInnerTexts();
    return titles.map((title) => title.trim());
  }

  /** Waits until a widget with this title is on the screen. */
  async waitWidget(title) {
    await this.widget(title).waitFor();
  }

  /** Waits until no widget has this title. */
  async waitNoWidget(title) {
    await this.widget(title).waitFor({ state: 'detached' });
  }

  /** Drags an element by a distance in pixels, as a hand does: pressed, moved in steps, released. */
  async drag(locator, byX, byY) {
    const box = await locator.boundingBox();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    await this.page.mouse.move(x, y);
    await this.page.mouse.down();
    await this.page.mouse.move(x + byX, y + byY, { steps: 12 });
    await this.page.mouse.up();
  }

  /** Cuts the network of this person's whole profile, or gives it back. */
  async setOffline(offline) {
    await this.page.context().setOffline(offline);
  }

  async reload() {
    await this.page.reload();
    await this.locate('indicator').waitFor();
  }

  async close() {
    await this.page.close();
  }

  /** Looks again and again, on the page's own frames, until `holds` or patience ends. */
  async #until(look, holds, what) {
    const deadline = performance.now() + PATIENCE_MS;
    let seen = await look();
    while (!holds(seen)) {
      if (performance.now() > deadline) throw new Error(`never: ${what}; last seen: ${seen}`);
      await this.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
      seen = await look();
    }
  }
}

function exactly(text) {
  return new RegExp(`^\\s*${text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\s*$`);
}

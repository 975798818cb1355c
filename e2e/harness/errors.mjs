// What went wrong inside pages. A page that throws or logs an error fails its test, whatever the
// test itself looked at.

/**
 * What a browser logs when the server is away or the network is cut, as a test wanted. The script
 * that cannot be fetched is the service worker's, where the cut comes while it is looked for.
 */
export const OUTAGE =
  /WebSocket connection to .* failed|error occurred when fetching the script|net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|CONNECTION_CLOSED|EMPTY_RESPONSE|INTERNET_DISCONNECTED|NETWORK_CHANGED)/;

export class PageErrors {
  #seen = [];
  #expected = [];

  /** Watches a page for as long as it lives. */
  watch(page, label) {
    page.on('pageerror', (error) => this.#note(label, `uncaught: ${error.stack ?? error}`));
    page.on('crash', () => this.#note(label, 'the page crashed'));
    page.on('console', (message) => {
      if (message.type() !== 'error') return;
      const { url, lineNumber } = message.location();
      const place = url ? ` (${url}:${lineNumber})` : '';
      this.#note(label, `console: ${message.text()}${place}`);
    });
  }

  /** Errors that match are part of the test from here to its end. */
  expect(pattern) {
    this.#expected.push(pattern);
  }

  /** The errors that nobody expected. Judged late, since a test may announce an outage after it began. */
  unexpected() {
    return this.#seen.filter((text) => !this.#expected.some((pattern) => pattern.test(text)));
  }

  #note(label, text) {
    this.#seen.push(`[${label}] ${text}`);
  }
}

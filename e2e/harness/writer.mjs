// Somebody who writes, over the JSON encoding of docs/protocol.md: many widgets at once, which a page
// would take long for.

const hex = (number) => number.toString(16).padStart(32, '0');

export class Writer {
  #board;
  #socket;
  #seq = 0;
  #settled = 0;
  #waiting = new Map();

  static async join(server, board) {
    const writer = new Writer();
    writer.#board = board;
    const socket = new WebSocket(server.url.replace('http', 'ws') + '/rt', 'driftless.v1.json');
    writer.#socket = socket;
    const resumed = new Promise((resolve, reject) => {
      socket.onerror = reject;
      socket.onmessage = ({ data }) => {
        const [[kind, message]] = Object.entries(JSON.parse(data));
        if (kind === 'resume') resolve();
        if (kind === 'ping') writer.#send({ pong: message });
        if (kind === 'outcome') writer.#settle(message);
        if (kind === 'refused' || kind === 'error') reject(new Error(JSON.stringify(message)));
      };
      socket.onopen = () =>
        writer.#send({ hello: { protocol: 1, client: hex(7), token: 'Bob', boards: [{ board }] } });
    });
    await resumed;
    return writer;
  }

  /** One edit; resolves when it is applied. */
  edit(changes) {
    this.#seq += 1;
    const seq = this.#seq;
    const payload = { id: hex(1_000 + seq), label: 'Move', changes };
    this.#send({
      push: { board: this.#board, seq, id: payload.id, settled: this.#settled, payload: JSON.stringify(payload) },
    });
    return new Promise((resolve, reject) => this.#waiting.set(seq, { resolve, reject }));
  }

  close() {
    this.#socket.close();
  }

  #send(message) {
    this.#socket.send(JSON.stringify(message));
  }

  #settle({ seq, outcome }) {
    this.#settled = seq;
    const { resolve, reject } = this.#waiting.get(seq);
    this.#waiting.delete(seq);
    if (outcome.applied) resolve();
    else reject(new Error(JSON.stringify(outcome)));
  }
}

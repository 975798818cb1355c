// A real server on a port of its own, with data of its own, that can be killed and come back.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from './port.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const EXECUTABLE = process.env.DRIFTLESS_SERVER ?? join(ROOT, 'target/debug/driftless');
const WEB = process.env.DRIFTLESS_WEB ?? join(ROOT, 'target/web/web');

const START_MS_MAX = 20_000;
const STOP_MS_MAX = 15_000;
const LOG_LINES_MAX = 200;

export class Server {
  port;
  data;
  #executable;
  #web;
  #base = '';
  #options = [];
  #child;
  #log = [];

  /**
   * Starts with an empty data folder and waits until it answers. `executable`: the binary; `web`:
   * the pages that it serves; `base`: the path before everything; `options`: more of the command
   * line.
   */
  static async start({ executable = EXECUTABLE, web = WEB, base = '', options = [] } = {}) {
    const server = new Server();
    server.become({ executable, web });
    server.#base = base;
    server.#options = options;
    server.port = await freePort();
    server.data = await mkdtemp(join(tmpdir(), 'driftless-e2e-'));
    await server.#spawn();
    return server;
  }

  get url() {
    return `http://127.0.0.1:${this.port}${this.#base}`;
  }

  /** The last lines that the server printed. */
  get log() {
    return this.#log.join('\n');
  }

  get isRunning() {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Is another build, with other pages, from its next start on. */
  become({ executable, web }) {
    this.#executable = executable;
    this.#web = web;
  }

  /** Runs another command of the binary on this server's data, as whoever runs it would. */
  async run(...command) {
    const { stdout } = await promisify(execFile)(this.#executable, [...command, '--data', this.data]);
    return stdout;
  }

  /** Ends it as a power cut would: no goodbye, no flush. */
  async kill9() {
    await this.#end('SIGKILL');
  }

  /** Waits until it has ended by itself. */
  async ended() {
    if (this.isRunning) await once(this.#child, 'exit');
  }

  /** Comes back on the same port with the same data; stops first if it still runs. */
  async restart() {
    if (this.isRunning) await this.stop();
    await this.#spawn();
  }

  /** Asks it to drain and waits for its end. */
  async stop() {
    await this.#end('SIGINT');
  }

  /** Ends it and forgets its data. */
  async dispose() {
    if (this.isRunning) await this.kill9();
    await rm(this.data, { recursive: true, force: true });
  }

  async #spawn() {
    const options = ['serve', '--listen', `127.0.0.1:${this.port}`, '--data', this.data];
    // Without a folder the server has its own pages inside.
    if (this.#web) options.push('--web', this.#web);
    options.push(...this.#options);
    if (this.#base) options.push('--base-path', this.#base);
    // The server reads the variable too, and an empty one would be a folder without a name.
    const { DRIFTLESS_WEB: _, ...env } = process.env;
    this.#child = spawn(this.#executable, options, { stdio: ['ignore', 'pipe', 'pipe'], env });
    this.#child.stdout.on('data', (chunk) => this.#keep(chunk));
    this.#child.stderr.on('data', (chunk) => this.#keep(chunk));
    await once(this.#child, 'spawn');
    await this.#waitUntilHealthy();
  }

  async #waitUntilHealthy() {
    const deadline = performance.now() + START_MS_MAX;
    while (performance.now() < deadline) {
      if (!this.isRunning) throw new Error(`the server ended while starting:\n${this.log}`);
      const answer = await fetch(`${this.url}/healthz`).catch(() => undefined);
      if (answer?.ok) return;
      await delay(25);
    }
    throw new Error(`the server did not answer within ${START_MS_MAX} ms:\n${this.log}`);
  }

  async #end(signal) {
    if (!this.isRunning) throw new Error(`the server had ended by itself:\n${this.log}`);
    const child = this.#child;
    const ended = once(child, 'exit');
    child.kill(signal);
    const inTime = await Promise.race([ended, delay(STOP_MS_MAX, undefined, { ref: false })]);
    if (inTime) return;
    child.kill('SIGKILL');
    throw new Error(`the server did not end within ${STOP_MS_MAX} ms of ${signal}:\n${this.log}`);
  }

  #keep(chunk) {
    this.#log.push(...String(chunk).trimEnd().split('\n'));
    this.#log.splice(0, this.#log.length - LOG_LINES_MAX);
  }
}

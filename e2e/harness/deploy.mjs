// A folder that a server serves the web app from, in which one build can take the place of another
// under the same address.

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BUILT = process.env.DRIFTLESS_WEB ?? new URL('../../target/web/web', import.meta.url).pathname;

/** What lies at the top and names the build. */
const TOP = ['index.html', 'worker.js'];

export class Deployment {
  folder;
  build;

  /** A copy of the build that is tested. */
  static async make() {
    const deployment = new Deployment();
    deployment.folder = await mkdtemp(join(tmpdir(), 'driftless-web-'));
    await deployment.#renew();
    return deployment;
  }

  /** Puts another build in its place: the same app, under another build's name, or its own. */
  async next(build) {
    await this.#renew();
    const before = this.build;
    if (build === before) return;
    const assets = join(this.folder, 'assets');
    await cp(join(assets, before), join(assets, build), { recursive: true });
    await rm(join(assets, before), { recursive: true });
    for (const name of TOP) {
      const file = join(this.folder, name);
      const text = await readFile(file, 'utf8');
      await writeFile(file, text.replaceAll(before, build));
    }
    this.build = build;
  }

  /** Takes a file away from the build, as a deployment that broke off would. */
  async lose(file) {
    await rm(join(this.folder, 'assets', this.build, file));
  }

  async dispose() {
    await rm(this.folder, { recursive: true, force: true });
  }

  async #renew() {
    await rm(this.folder, { recursive: true, force: true });
    await cp(BUILT, this.folder, { recursive: true });
    const page = await readFile(join(this.folder, 'index.html'), 'utf8');
    this.build = page.match(/assets\/([0-9a-f]+)\//)[1];
  }
}

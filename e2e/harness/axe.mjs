// What axe finds on a page: rules of accessibility that a machine can check.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const SOURCE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** Violations, each as a line that says the rule, what is wrong and where; best practices included. */
export async function violations(page) {
  const source = await readFile(SOURCE, 'utf8');
  // Not as a script tag: the page's Content-Security-Policy would refuse it, rightly.
  await page.evaluate(source);
  const results = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.failureSummary.replaceAll(/\s+/g, ' ')} — ${node.html.slice(0, 160)}`),
  );
}

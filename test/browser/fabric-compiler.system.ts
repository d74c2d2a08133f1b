import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium, whyNoChromium } from '../console/chromium.js';
import { compiledText } from './compiler-page/compiled-text.js';
import { FABRICS } from './compiler-page/fabrics.js';
import { ServedBundle } from './support/served-bundle.js';

/** The compiler and its proof, bundled for a browser and run in one: a console shows what a controller would compile, to the octet. */
const reason = whyNoChromium();
let served: ServedBundle;
let browser: Browser;
let inBrowser: Readonly<Record<string, string>>;

beforeAll(async () => {
  if (reason !== undefined) return;
  served = await ServedBundle.start(fileURLToPath(new URL('./compiler-page/', import.meta.url)));
  browser = await launchChromium();
  inBrowser = await openedPage();
});

beforeEach((context) => context.skip(reason !== undefined, reason));

afterAll(async () => {
  await browser?.close();
  await served?.close();
});

describe('the compiler in a browser', () => {
  it.each(FABRICS)('makes of %s what it makes of it here, to the octet', (name, intent) => {
    const here = compiledText(intent);
    expect(inBrowser[name]).toBe(here);
    // Something was compiled, and something refused.
    const { whole, delivered } = JSON.parse(here) as {
      readonly whole: { readonly bundles?: readonly unknown[] };
      readonly delivered: { readonly ok: boolean };
    };
    const refused = name === 'one that is refused';
    expect([whole.bundles?.length ?? 0, delivered.ok]).toEqual([refused ? 0 : intent.edges.length, !refused]);
  });
});

async function openedPage(): Promise<Readonly<Record<string, string>>> {
  const page = await browser.newPage();
  const trouble: string[] = [];
  page.on('pageerror', (error) => trouble.push(error.stack ?? error.message));
  page.on('console', (message) => message.type() === 'error' && trouble.push(message.text()));
  await page.goto(served.url);
  await page.locator('#output[data-done]').waitFor();
  expect(trouble).toEqual([]);
  return JSON.parse((await page.locator('#output').textContent()) ?? '') as Readonly<Record<string, string>>;
}

import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium, whyNoChromium } from '../console/chromium.js';
import { ServedBundle } from './support/served-bundle.js';

/** The engine's example, bundled for a browser and run in one: it must need nothing that only Node has. */
const reason = whyNoChromium();
let served: ServedBundle;
let browser: Browser;

beforeAll(async () => {
  if (reason !== undefined) return;
  const root = fileURLToPath(new URL('../../packages/ipsec-core/examples/browser/', import.meta.url));
  served = await ServedBundle.start(root);
  browser = await launchChromium();
});

beforeEach((context) => context.skip(reason !== undefined, reason));

afterAll(async () => {
  await browser?.close();
  await served?.close();
});

describe('ipsec-core in a browser', () => {
  it('runs its examples: two engines, an explanation, a decrypted capture', async () => {
    const page = await browser.newPage();
    const trouble: string[] = [];
    page.on('pageerror', (error) => trouble.push(error.stack ?? error.message));
    page.on('console', (message) => message.type() === 'error' && trouble.push(message.text()));
    await page.goto(served.url);
    await page.locator('#output[data-done]').waitFor();
    const lines = (await page.locator('#output').textContent())?.split('\n') ?? [];
    expect(trouble).toEqual([]);
    expect(lines.slice(0, 4)).toEqual([
      'tunnel: transmit, 32 octets become 88',
      'tunnel: deliver, unchanged',
      'transport: transmit, 32 octets become 68',
      'transport: deliver, unchanged',
    ]);
    expect(lines).toContain('esp tunnel aes-gcm-16 of a-b, SPI 0x1000, number 1');
    const inside = '10.1.0.1 > 10.2.0.2 protocol 17, 32 octets';
    expect(lines.filter((line) => line.endsWith(inside))).toHaveLength(4);
    expect(lines.at(-1)).toMatch(/replayed$/);
  });
});

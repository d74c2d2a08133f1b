import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium, whyNoChromium } from '../console/chromium.js';

/** The engine's example, bundled for a browser and run in one: it must need nothing that only Node has. */
const reason = whyNoChromium();
let server: Server;
let browser: Browser;
let url: string;

beforeAll(async () => {
  if (reason !== undefined) return;
  const files = await bundle();
  server = createServer((request, response) => {
    const name = (request.url ?? '/').slice(1) || 'index.html';
    const file = files.get(name);
    response.writeHead(file === undefined ? 404 : 200, { 'content-type': file?.type ?? 'text/plain' });
    response.end(file?.body);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  browser = await launchChromium();
});

beforeEach((context) => context.skip(reason !== undefined, reason));

afterAll(async () => {
  await browser?.close();
  await new Promise((closed) => (server === undefined ? closed(undefined) : server.close(closed)));
});

describe('ipsec-core in a browser', () => {
  it('runs its examples: two engines, an explanation, a decrypted capture', async () => {
    const page = await browser.newPage();
    const trouble: string[] = [];
    page.on('pageerror', (error) => trouble.push(error.stack ?? error.message));
    page.on('console', (message) => message.type() === 'error' && trouble.push(message.text()));
    await page.goto(url);
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

/** What vite makes of the example, by file name; nothing is written to disk. */
async function bundle(): Promise<ReadonlyMap<string, { readonly type: string; readonly body: string | Uint8Array }>> {
  const root = fileURLToPath(new URL('../../packages/ipsec-core/examples/browser/', import.meta.url));
  const built = await build({
    root,
    configFile: false,
    logLevel: 'error',
    // A browser has no Node modules; to leave one out quietly would only move the failure.
    resolve: { conditions: ['source', 'browser', 'module'] },
    build: { write: false, modulePreload: { polyfill: false } },
  });
  const outputs = (Array.isArray(built) ? built : [built]).flatMap((one) => ('output' in one ? one.output : []));
  const types: Readonly<Record<string, string>> = { html: 'text/html', js: 'text/javascript' };
  return new Map(
    outputs.map((file) => [
      file.fileName,
      {
        type: types[file.fileName.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
        body: file.type === 'chunk' ? file.code : file.source,
      },
    ]),
  );
}

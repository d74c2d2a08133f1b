import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

const EXECUTABLE = process.env['WEFT_CHROMIUM'] ?? '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Why no browser can be started here; undefined when one can. */
export function whyNoChromium(): string | undefined {
  return existsSync(EXECUTABLE) ? undefined : `no Chromium at ${EXECUTABLE} (apt-get install chromium)`;
}

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });
}

/**
 * Records what a reader would never see: console errors and warnings, exceptions, requests that fail. The question
 * who is logged in is answered 401 before the login, and says so on the browser's console: that one is no trouble.
 */
export function recordTrouble(page: Page): string[] {
  const trouble: string[] = [];
  const asksForSession = (url: string): boolean => new URL(url).pathname === '/api/v1/session';
  page.on('console', (message) => {
    const { url } = message.location();
    if (!['error', 'warning'].includes(message.type()) || (url !== '' && asksForSession(url))) return;
    trouble.push(`${message.type()}: ${message.text()} (${url})`);
  });
  page.on('pageerror', (error) => trouble.push(`exception: ${error.stack ?? error.message}`));
  page.on('requestfailed', (request) => {
    const aborted = request.failure()?.errorText === 'net::ERR_ABORTED';
    if (!aborted) trouble.push(`no answer: ${request.method()} ${request.url()} ${request.failure()?.errorText}`);
  });
  page.on('response', (response) => {
    const expected = response.status() === 401 && asksForSession(response.url());
    if (response.status() >= 400 && !expected)
      trouble.push(`${response.status()}: ${response.request().method()} ${response.url()}`);
  });
  return trouble;
}

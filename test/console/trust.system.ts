import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  TEST_ADMIN_PASSWORD,
  TestController,
  TestPostgres,
  temporaryDirectory,
  writeAgedAuthority,
} from '@weft/controller/test-controller';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium, recordTrouble, whyNoChromium } from './chromium.js';
import { logIn } from './log-in.js';

/** The console of an installation whose root is about to end: where an operator sees that, and what it says. */
const CONSOLE = fileURLToPath(new URL('../../apps/web-console/dist/index.html', import.meta.url));
const reason =
  whyNoChromium() ?? (existsSync(CONSOLE) ? undefined : 'not built (npm run build): apps/web-console/dist/index.html');
/** Longest wait for a page. */
const PAGE_TIMEOUT_MILLISECONDS = 60_000;
/** Of the ten years of a root so many days are over, so that it ends in 52. */
const AGE_DAYS = 3_600;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let postgres: TestPostgres;
let controller: TestController;
let browser: Browser;
let page: Page;
let trouble: string[];

beforeAll(async () => {
  if (reason !== undefined) return;
  directory = await temporaryDirectory('trust');
  await writeAgedAuthority(directory.path, AGE_DAYS);
  postgres = await TestPostgres.start();
  controller = await TestController.start({
    databaseUrl: await postgres.createDatabase(),
    dataDirectory: directory.path,
  });
  browser = await launchChromium();
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  page = await context.newPage();
  page.setDefaultTimeout(PAGE_TIMEOUT_MILLISECONDS);
  trouble = recordTrouble(page);
});

beforeEach((context) => context.skip(reason !== undefined, reason));

afterEach(() => {
  expect(trouble?.splice(0) ?? []).toEqual([]);
});

afterAll(async () => {
  await browser?.close();
  await controller?.stop();
  await postgres?.remove();
  await directory?.remove();
});

describe('the console, when a root is about to end', () => {
  it('says so on its first page, and leads to what can be done', async () => {
    await page.goto(controller.url);
    await logIn(page, 'admin', TEST_ADMIN_PASSWORD);
    const notice = page.getByRole('status').filter({ hasText: 'What edges trust is about to end' });
    await notice.getByText(/^Root: ends in \d+ days\./).waitFor();
    await page.getByRole('navigation').getByTitle('of what edges trust').waitFor();
    await notice.getByRole('link', { name: 'See what to do' }).click();
    await page.getByRole('heading', { name: 'Trust' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/trust');
  });

  it('shows each authority and key with its state, its end and the command that replaces it', async () => {
    const row = (kind: string) => page.locator(`[data-trusted=${kind}]`);
    await row('root').getByText('Replace it now').waitFor();
    await row('root').getByText('--rotate-certificate-authority').waitFor();
    await row('root').getByText('None').waitFor();
    for (const kind of ['intermediate', 'server', 'revocation_list', 'signing_key']) {
      await row(kind).getByText('Valid').waitFor();
    }
    await row('signing_key').getByText('never').waitFor();
  });

  it('is reached with the keyboard', async () => {
    const link = (name: string) => page.getByRole('navigation').getByRole('link', { name });
    await link('Topology').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Topology' }).waitFor();
    await link('Trust').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Trust' }).waitFor();
  });
});

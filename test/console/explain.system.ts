import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TEST_ADMIN_PASSWORD, TestController, TestPostgres } from '@weft/controller/test-controller';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ApiSession } from './api-session.js';
import { launchChromium, recordTrouble, whyNoChromium } from './chromium.js';
import { logIn } from './log-in.js';

/** Asks the console what becomes of a packet, in a fabric whose edges nobody has started. */
const CONSOLE = fileURLToPath(new URL('../../apps/web-console/dist/index.html', import.meta.url));
const reason =
  whyNoChromium() ?? (existsSync(CONSOLE) ? undefined : 'not built (npm run build): apps/web-console/dist/index.html');
/** Longest wait for a page. */
const PAGE_TIMEOUT_MILLISECONDS = 60_000;

let postgres: TestPostgres;
let controller: TestController;
let browser: Browser;
let page: Page;
let trouble: string[];

beforeAll(async () => {
  if (reason !== undefined) return;
  postgres = await TestPostgres.start();
  controller = await TestController.start({ databaseUrl: await postgres.createDatabase() });
  await publishTwoRevisions();
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
});

describe('the page that explains', () => {
  it('leads from a packet to its rule, the entries at both ends and the octets on the underlay', async () => {
    await page.goto(`${controller.url}/explain`);
    await logIn(page, 'admin', TEST_ADMIN_PASSWORD);
    await ask('10.1.0.7', '10.2.0.9');
    const answer = page.locator('[data-verdict=protected]');
    await answer.getByText('“https” of policy “branches”').first().waitFor();
    await answer.getByText('the draft', { exact: true }).waitFor();
    await answer.getByText('SPD of berlin-1, outbound').waitFor();
    await answer.getByText('SPD of tokyo-1, inbound').waitFor();
    await answer.getByText(/^\d+ packet \+ \d+ IP and UDP \+ 8 ESP \+ .* = \d+ of \d+ octets$/).waitFor();
    await answer.getByText('203.0.113.1 port 4500 → 203.0.113.2 port 4500').waitFor();
  });

  it('explains by an earlier revision, too', async () => {
    await page.getByLabel('By', { exact: true }).selectOption('1');
    await ask('10.1.0.7', '10.2.0.9');
    await page.locator('[data-verdict]').getByText('revision 1', { exact: true }).waitFor();
    await page.getByText('admin with revision 1: https').waitFor();
    await page.getByLabel('By', { exact: true }).selectOption('');
  });

  it('explains by a revision that is too old for the list, by its number', async () => {
    // As if two filled the list.
    await page.route('**/revisions?limit=*', async (route) => {
      const answer = await route.fetch();
      const { items } = (await answer.json()) as { items: { number: number }[] };
      await route.fulfill({ response: answer, json: { items: items.filter(({ number }) => number > 1), next: 2 } });
    });
    await page.reload();
    await page.getByLabel('By', { exact: true }).selectOption('an earlier revision…');
    await page.getByLabel('Revision', { exact: true }).fill('1');
    await ask('10.1.0.7', '10.2.0.9');
    await page.locator('[data-verdict]').getByText('revision 1', { exact: true }).waitFor();
    await page.unroute('**/revisions?limit=*');
    await page.getByLabel('By', { exact: true }).selectOption('');
  });

  it('says what is wrong at the field that it is about', async () => {
    await ask('10.1.0.300', '10.2.0.9');
    await page.getByLabel('From address').and(page.locator('[aria-invalid=true]')).waitFor();
    await page.locator('[data-verdict]').waitFor({ state: 'detached' });
    const expected = trouble.splice(0).filter((each) => !each.includes('422'));
    expect(expected).toEqual([]);
  });
});

async function ask(source: string, destination: string): Promise<void> {
  await page.getByLabel('From address').fill(source);
  await page.getByLabel('To address').fill(destination);
  await page.getByRole('button', { name: 'Explain', exact: true }).click();
}

/** Two sites and a rule between them; then another site. */
async function publishTwoRevisions(): Promise<void> {
  const api = await ApiSession.open(controller.url, 'admin', TEST_ADMIN_PASSWORD);
  const [berlin, tokyo] = [await api.make('sites', { name: 'berlin' }), await api.make('sites', { name: 'tokyo' })];
  await api.make('networks', { siteId: berlin, name: 'lan', prefix: '10.1.0.0/16' });
  await api.make('networks', { siteId: tokyo, name: 'lan', prefix: '10.2.0.0/16' });
  await api.make('edges', { siteId: berlin, name: 'berlin-1', underlayAddress: '203.0.113.1' });
  await api.make('edges', { siteId: tokyo, name: 'tokyo-1', underlayAddress: '203.0.113.2' });
  const https = {
    name: 'https',
    action: 'PROTECT',
    sources: [{ kind: 'site', siteId: berlin }],
    destinations: [{ kind: 'site', siteId: tokyo }],
    services: [{ protocol: 'tcp', ports: [{ first: 443, last: 443 }] }],
  };
  await api.make('policies', { name: 'branches', rules: [https] });
  await api.make('revisions', { comment: 'https' });
  await api.make('sites', { name: 'unrelated' });
  await api.make('revisions', { comment: 'a site' });
}

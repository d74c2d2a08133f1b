import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TEST_ADMIN_PASSWORD, TestController, TestPostgres } from '@weft/controller/test-controller';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ApiSession } from './api-session.js';
import { launchChromium, recordTrouble, whyNoChromium } from './chromium.js';
import { logIn } from './log-in.js';

/** Two people change the same: who looks at it in the console is told, and overwrites nothing. */
const CONSOLE = fileURLToPath(new URL('../../apps/web-console/dist/index.html', import.meta.url));
const reason =
  whyNoChromium() ?? (existsSync(CONSOLE) ? undefined : 'not built (npm run build): apps/web-console/dist/index.html');
/** Longest wait for a page. */
const PAGE_TIMEOUT_MILLISECONDS = 60_000;

let postgres: TestPostgres;
let controller: TestController;
let api: ApiSession;
let browser: Browser;
let page: Page;
let trouble: string[];

beforeAll(async () => {
  if (reason !== undefined) return;
  postgres = await TestPostgres.start();
  controller = await TestController.start({ databaseUrl: await postgres.createDatabase() });
  api = await ApiSession.open(controller.url, 'admin', TEST_ADMIN_PASSWORD);
  browser = await launchChromium();
  page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  page.setDefaultTimeout(PAGE_TIMEOUT_MILLISECONDS);
  trouble = recordTrouble(page);
  await page.goto(`${controller.url}/sites`);
  await logIn(page, 'admin', TEST_ADMIN_PASSWORD);
  // Whoever goes on to a page before the answer is there has no session, and stays at the login.
  await page.getByRole('navigation').getByRole('link', { name: 'Sites' }).waitFor();
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

/** What the browser tells of a request that was refused on purpose, and nothing else. */
function takeRefusal(path: string): void {
  const refused = trouble.splice(0);
  expect(refused.filter((each) => !each.includes(path))).toEqual([]);
  expect(refused.some((each) => each.startsWith('412: PATCH '))).toBe(true);
}

const dialog = (): Locator => page.getByRole('dialog');

async function act(subject: string, action: string): Promise<void> {
  await page.getByRole('button', { name: `Actions for ${subject}`, exact: true }).click();
  await page.getByRole('menuitem', { name: action }).click();
}

describe('what somebody else has changed', () => {
  it('is not overwritten by a form of a site, which says so', async () => {
    const id = await api.make('sites', { name: 'Oslo' });
    await page.goto(`${controller.url}/sites`);
    await act('Oslo', 'Edit site');
    await dialog().getByLabel('Description').fill('mine');
    await api.send('PATCH', `sites/${id}`, { description: 'theirs' });
    await dialog().getByRole('button', { name: 'Save' }).click();
    await dialog().getByText('Close this dialog to see the newer version').waitFor();
    takeRefusal(`/sites/${id}`);
    expect(await api.read(`sites/${id}`)).toMatchObject({ description: 'theirs' });
    await dialog().getByRole('button', { name: 'Cancel' }).click();
    await act('Oslo', 'Edit site');
    await expect.poll(() => dialog().getByLabel('Description').inputValue()).toBe('theirs');
    await dialog().getByLabel('Description').fill('ours');
    await dialog().getByRole('button', { name: 'Save' }).click();
    await dialog().waitFor({ state: 'detached' });
    expect(await api.read(`sites/${id}`)).toMatchObject({ description: 'ours' });
  });

  it('is not overwritten by the settings, however long after the choice they are saved', async () => {
    await page.goto(`${controller.url}/fabric`);
    const modes = page.getByRole('radiogroup', { name: 'Mode', exact: true });
    await modes.getByRole('radio', { name: 'Transport' }).check();
    const shown = page.waitForResponse(
      async (answer) => answer.url().endsWith(`/tenants/${api.tenantId}`) && (await answer.text()).includes('"none"'),
    );
    await api.send('PATCH', `/tenants/${api.tenantId}`, { encapsulation: 'none' });
    await shown;
    await page.getByRole('button', { name: 'Save to the draft' }).click();
    await page.getByText('Undo to see the newer version').waitFor();
    takeRefusal(`/tenants/${api.tenantId}`);
    expect(await api.read(`/tenants/${api.tenantId}`)).toMatchObject({ mode: 'tunnel', encapsulation: 'none' });
    await page.getByRole('button', { name: 'Undo' }).click();
    await modes.getByRole('radio', { name: 'Transport' }).check();
    await page.getByRole('button', { name: 'Save to the draft' }).click();
    await page.getByText('Nothing to save.').waitFor();
    expect(await api.read(`/tenants/${api.tenantId}`)).toMatchObject({ mode: 'transport' });
  });

  it('is not put into an order that was made in view of another one', async () => {
    const ids: string[] = [];
    for (const name of ['first', 'second', 'third']) ids.push(await api.make('policies', { name, rules: [] }));
    const before = await api.read<object>('policies?limit=1000');
    const isList = ({ pathname }: URL): boolean => /^\/api\/.*\/policies$/.test(pathname);
    await page.route(isList, (route) => route.fulfill({ json: before }));
    await page.goto(`${controller.url}/policies`);
    await page.getByRole('region', { name: 'Policy third' }).waitFor();
    const theirs = [...ids].reverse();
    await api.send('PUT', 'policies/order', { policyIds: theirs }, { 'if-match': '*' });
    await act('policy first', 'Move down');
    await page.getByText('The policies are in another order now').waitFor();
    expect(await api.read('policies/order')).toMatchObject({ policyIds: theirs });
    await page.unroute(isList);
    await page.reload();
    await act('policy third', 'Move down');
    const [third, second, first] = theirs;
    await expect.poll(() => api.read('policies/order')).toMatchObject({ policyIds: [second, third, first] });
  });
});

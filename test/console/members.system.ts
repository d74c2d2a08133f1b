import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TEST_ADMIN_PASSWORD, TestController, TestPostgres } from '@weft/controller/test-controller';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ApiSession } from './api-session.js';
import { launchChromium, recordTrouble, whyNoChromium } from './chromium.js';
import { logIn } from './log-in.js';

/** One person, one login, two tenants: invited by the admin of the second, who has a browser of her own. */
const CONSOLE = fileURLToPath(new URL('../../apps/web-console/dist/index.html', import.meta.url));
const reason =
  whyNoChromium() ?? (existsSync(CONSOLE) ? undefined : 'not built (npm run build): apps/web-console/dist/index.html');
/** Longest wait for a page. */
const PAGE_TIMEOUT_MILLISECONDS = 60_000;
const PASSWORD = 'a password for the tests';

let postgres: TestPostgres;
let controller: TestController;
let browser: Browser;
let nora: Page;
let pat: Page;
const trouble: string[][] = [];

beforeAll(async () => {
  if (reason !== undefined) return;
  postgres = await TestPostgres.start();
  controller = await TestController.start({ databaseUrl: await postgres.createDatabase() });
  const admin = await ApiSession.open(controller.url, 'admin', TEST_ADMIN_PASSWORD);
  const north = await admin.make('/tenants', { name: 'north' });
  await admin.make(`/tenants/${north}/users`, { name: 'nora', password: PASSWORD, role: 'admin' });
  await admin.make('users', { name: 'pat', password: PASSWORD, role: 'viewer' });
  browser = await launchChromium();
  [nora, pat] = [await freshPage(), await freshPage()];
});

beforeEach((context) => context.skip(reason !== undefined, reason));

afterEach(() => {
  expect(trouble.flatMap((each) => each.splice(0))).toEqual([]);
});

afterAll(async () => {
  await browser?.close();
  await controller?.stop();
  await postgres?.remove();
});

async function freshPage(): Promise<Page> {
  const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  page.setDefaultTimeout(PAGE_TIMEOUT_MILLISECONDS);
  trouble.push(recordTrouble(page));
  return page;
}

const goTo = (page: Page, name: string): Promise<void> =>
  page.getByRole('navigation').getByRole('link', { name }).click();
const dialog = (page: Page): Locator => page.getByRole('dialog');
const tenant = (page: Page): Locator => page.getByRole('navigation').getByRole('button', { name: 'Tenant' });
const member = (name: string): Locator => nora.locator(`[data-member="${name}"]`);

async function act(name: string, action: string): Promise<void> {
  await member(name)
    .getByRole('button', { name: `Actions for ${name}` })
    .click();
  await nora.getByRole('menuitem', { name: action }).click();
}

describe('members in the console', () => {
  it('are invited by an admin, who has one tenant and no choice of any', async () => {
    await nora.goto(`${controller.url}/members`);
    await logIn(nora, 'nora', PASSWORD);
    await member('nora').waitFor();
    expect(await tenant(nora).count()).toBe(0);
    await nora.getByRole('button', { name: 'Invite' }).click();
    await dialog(nora).getByLabel('Name').fill('pat');
    await dialog(nora).getByLabel('Role').selectOption('operator');
    await dialog(nora).getByRole('button', { name: 'Invite' }).click();
    await nora.locator('[data-invitation="pat"]').getByText('operator').waitFor();
    expect(await member('pat').count()).toBe(0);
  });

  it('accept, and go from one tenant to the other', async () => {
    await pat.goto(`${controller.url}/access`);
    await logIn(pat, 'pat', PASSWORD);
    await pat.getByText('You are pat, viewer of this tenant').waitFor();
    expect(await tenant(pat).count()).toBe(0);
    await pat.locator('[data-own-invitation="north"]').getByRole('button', { name: 'Accept' }).click();
    await tenant(pat).getByText('default').waitFor();
    await pat.locator('[data-own-invitation="north"]').waitFor({ state: 'detached' });
    await tenant(pat).click();
    await pat.getByRole('menuitem', { name: 'north' }).click();
    await tenant(pat).getByText('north').waitFor();
    await goTo(pat, 'Access');
    await pat.getByText('You are pat, operator of this tenant').waitFor();
    await goTo(pat, 'Members');
    await pat.getByText('Only admins of the tenant see who its members are').waitFor();
  });

  it('say after a login in which tenant they work', async () => {
    await pat.getByRole('navigation').getByRole('button', { name: 'pat' }).click();
    await pat.getByRole('menuitem', { name: 'Log out' }).click();
    await logIn(pat, 'pat', PASSWORD);
    await pat.getByText('In which tenant do you want to work?').waitFor();
    await pat.getByRole('button', { name: 'default' }).click();
    await tenant(pat).getByText('default').waitFor();
    await goTo(pat, 'Access');
    await pat.getByText('You are pat, viewer of this tenant').waitFor();
  });

  it('get another role, and are removed', async () => {
    await member('pat').waitFor();
    await act('pat', 'Change role');
    await dialog(nora).getByLabel('Role').selectOption('approver');
    await dialog(nora).getByRole('button', { name: 'Save' }).click();
    await member('pat').getByText('approver').waitFor();
    await act('pat', 'Remove member');
    await dialog(nora).getByRole('button', { name: 'Remove member' }).click();
    await member('pat').waitFor({ state: 'detached' });
    await pat.reload();
    await pat.getByText('You are pat, viewer of this tenant').waitFor();
    expect(await tenant(pat).count()).toBe(0);
  });
});

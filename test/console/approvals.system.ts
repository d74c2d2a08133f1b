import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TEST_ADMIN_PASSWORD, TestController, TestPostgres } from '@weft/controller/test-controller';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium, recordTrouble, whyNoChromium } from './chromium.js';

/** The second person of a draft, who has approved it and thinks again: in time, and too late. */
const CONSOLE = fileURLToPath(new URL('../../apps/web-console/dist/index.html', import.meta.url));
const reason =
  whyNoChromium() ?? (existsSync(CONSOLE) ? undefined : 'not built (npm run build): apps/web-console/dist/index.html');
/** Longest wait for a page. */
const PAGE_TIMEOUT_MILLISECONDS = 60_000;
const PASSWORD = 'a password for the tests';

type Ask = (method: string, path: string, body?: object, ifMatch?: string) => Promise<Response>;

let postgres: TestPostgres;
let controller: TestController;
let tenant: string;
let admin: Ask;
let browser: Browser;
let page: Page;
let trouble: string[];

beforeAll(async () => {
  if (reason !== undefined) return;
  postgres = await TestPostgres.start();
  controller = await TestController.start({ databaseUrl: await postgres.createDatabase() });
  const [home] = await controller.sql<{ id: string }[]>`select id from tenants where name = 'default'`;
  tenant = `/api/v1/tenants/${home?.id}`;
  admin = await loggedIn('admin', TEST_ADMIN_PASSWORD);
  for (const name of ['bob', 'eve'])
    await admin('POST', `${tenant}/users`, { name, password: PASSWORD, role: 'approver' });
  await admin('PATCH', tenant, { approvalRequired: true });
  await admin('POST', `${tenant}/sites`, { name: 'Berlin' });
  browser = await launchChromium();
  page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
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

/** Asks the API as somebody; throws when it refuses. */
async function loggedIn(userName: string, password: string): Promise<Ask> {
  const ask = async (cookie: string, ...[method, path, body, ifMatch]: Parameters<Ask>): Promise<Response> => {
    const answer = await fetch(`${controller.url}${path}`, {
      method,
      headers: {
        cookie,
        'content-type': 'application/json',
        ...(ifMatch !== undefined && { 'if-match': `"${ifMatch}"` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  const session = await ask('', 'POST', '/api/v1/session', { userName, password });
  const cookie = session.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  return (...question) => ask(cookie, ...question);
}

async function draftVersion(): Promise<string> {
  const answer = await admin('GET', `${tenant}/revisions/draft`);
  return ((await answer.json()) as { version: string }).version;
}

const review = (): Locator => page.getByRole('dialog', { name: 'Publish changes' });
const question = (): Locator => page.getByRole('dialog', { name: 'Take back your approval?' });
const approvalOf = (name: string): Locator => review().locator(`[data-approver="${name}"]`);
const approve = (): Promise<void> => review().getByRole('button', { name: 'Approve for somebody else' }).click();

describe('an approval in the console', () => {
  it('is taken back by nobody but who has given it', async () => {
    const eve = await loggedIn('eve', PASSWORD);
    await eve('POST', `${tenant}/revisions/draft/approvals`, { comment: 'looks right' }, await draftVersion());
    await page.goto(`${controller.url}/revisions`);
    await page.getByLabel('User name').fill('bob');
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('button', { name: 'Review and publish' }).click();
    await approvalOf('eve').getByText('looks right').waitFor();
    await approve();
    await approvalOf('bob').getByRole('button', { name: 'Take back' }).waitFor();
    expect(await approvalOf('eve').getByRole('button').count()).toBe(0);
  });

  it('is taken back once that was confirmed, and can be given again', async () => {
    await approvalOf('bob').getByRole('button', { name: 'Take back' }).click();
    await question().getByText('needs an approval again').waitFor();
    await page.keyboard.press('Escape');
    await question().waitFor({ state: 'detached' });
    await approvalOf('bob').getByRole('button', { name: 'Take back' }).click();
    await question().getByRole('button', { name: 'Take back approval' }).click();
    await question().waitFor({ state: 'detached' });
    await approvalOf('bob').waitFor({ state: 'detached' });
    await approvalOf('eve').waitFor();
    await approve();
    await approvalOf('bob').waitFor();
  });

  it('is not taken back when somebody has published by it, and says so', async () => {
    await approvalOf('bob').getByRole('button', { name: 'Take back' }).click();
    await question().waitFor();
    await admin('POST', `${tenant}/revisions`, { comment: 'quicker' }, await draftVersion());
    await question().getByRole('button', { name: 'Take back approval' }).click();
    await question().getByText('There is no approval').waitFor();
    await approvalOf('bob').waitFor({ state: 'detached' });
    expect(await question().getByText('There is no approval').count()).toBe(1);
    const refused = trouble.splice(0);
    expect(refused.filter((each) => !each.includes('/revisions/draft/approvals/'))).toEqual([]);
    expect(refused.some((each) => each.startsWith('404: DELETE'))).toBe(true);
  });
});

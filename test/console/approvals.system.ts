import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TEST_ADMIN_PASSWORD, TestController, TestPostgres } from '@weft/controller/test-controller';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ApiSession } from './api-session.js';
import { launchChromium, recordTrouble, whyNoChromium } from './chromium.js';
import { logIn } from './log-in.js';

/** The second person of a draft, who has approved it and thinks again: in time, and too late. */
const CONSOLE = fileURLToPath(new URL('../../apps/web-console/dist/index.html', import.meta.url));
const reason =
  whyNoChromium() ?? (existsSync(CONSOLE) ? undefined : 'not built (npm run build): apps/web-console/dist/index.html');
/** Longest wait for a page. */
const PAGE_TIMEOUT_MILLISECONDS = 60_000;
const PASSWORD = 'a password for the tests';

let postgres: TestPostgres;
let controller: TestController;
let admin: ApiSession;
let browser: Browser;
let page: Page;
let trouble: string[];

beforeAll(async () => {
  if (reason !== undefined) return;
  postgres = await TestPostgres.start();
  controller = await TestController.start({ databaseUrl: await postgres.createDatabase() });
  admin = await ApiSession.open(controller.url, 'admin', TEST_ADMIN_PASSWORD);
  for (const name of ['bob', 'eve']) await admin.make('users', { name, password: PASSWORD, role: 'approver' });
  await admin.send('PATCH', `/tenants/${admin.tenantId}`, { approvalRequired: true });
  await admin.make('sites', { name: 'Berlin' });
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

/** As If-Match has it. */
async function asRead(): Promise<{ readonly 'if-match': string }> {
  const { version } = await admin.read<{ version: string }>('revisions/draft');
  return { 'if-match': `"${version}"` };
}

const review = (): Locator => page.getByRole('dialog', { name: 'Publish changes' });
const question = (): Locator => page.getByRole('dialog', { name: 'Take back your approval?' });
const approvalOf = (name: string): Locator => review().locator(`[data-approver="${name}"]`);
const approve = (): Promise<void> => review().getByRole('button', { name: 'Approve for somebody else' }).click();

describe('an approval in the console', () => {
  it('is taken back by nobody but who has given it', async () => {
    const eve = await ApiSession.open(controller.url, 'eve', PASSWORD);
    await eve.send('POST', 'revisions/draft/approvals', { comment: 'looks right' }, await asRead());
    await page.goto(`${controller.url}/revisions`);
    await logIn(page, 'bob', PASSWORD);
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
    await admin.send('POST', 'revisions', { comment: 'quicker' }, await asRead());
    await question().getByRole('button', { name: 'Take back approval' }).click();
    await question().getByText('There is no approval').waitFor();
    await approvalOf('bob').waitFor({ state: 'detached' });
    expect(await question().getByText('There is no approval').count()).toBe(1);
    const refused = trouble.splice(0);
    expect(refused.filter((each) => !each.includes('/revisions/draft/approvals/'))).toEqual([]);
    expect(refused.some((each) => each.startsWith('404: DELETE'))).toBe(true);
  });
});

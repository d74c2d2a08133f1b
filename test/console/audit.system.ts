import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { TEST_ADMIN_PASSWORD, TestController, TestPostgres } from '@weft/controller/test-controller';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium, recordTrouble, whyNoChromium } from './chromium.js';
import { logIn } from './log-in.js';

/** The audit log as an auditor reads it: finds an entry by who did what and when, takes all of them along, and learns that one was changed. */
const CONSOLE = fileURLToPath(new URL('../../apps/web-console/dist/index.html', import.meta.url));
const reason =
  whyNoChromium() ?? (existsSync(CONSOLE) ? undefined : 'not built (npm run build): apps/web-console/dist/index.html');
/** Longest wait for a page. */
const PAGE_TIMEOUT_MILLISECONDS = 60_000;
/** More than the controller gives at a time, and than the console shows. */
const ENTRIES = 230;

let postgres: TestPostgres;
let controller: TestController;
let browser: Browser;
let page: Page;
let trouble: string[];

beforeAll(async () => {
  if (reason !== undefined) return;
  postgres = await TestPostgres.start();
  controller = await TestController.start({ databaseUrl: await postgres.createDatabase() });
  for (let number = 1; number <= ENTRIES; number += 1) {
    await controller.sql`
      insert into audit_entries (tenant_id, actor, action, details)
      select id, ${number === 7 ? 'grace' : 'ada'}, 'user_created', jsonb_build_object('userName', 'user ' || ${String(number)}::text)
      from tenants where name = 'default'`;
  }
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

const rows = () => page.locator('[data-audit-entry]');
const search = () => page.getByRole('form', { name: 'Search' });
const link = (name: string) => page.getByRole('link', { name });

describe('the audit log in the console', () => {
  it('shows the newest entries, with the verdict on the whole chain', async () => {
    await page.goto(`${controller.url}/audit`);
    await logIn(page, 'admin', TEST_ADMIN_PASSWORD);
    await page.getByRole('heading', { name: 'Audit log' }).waitFor();
    await page.getByText('The whole chain holds').waitFor();
    await page.getByText(`Entries ${ENTRIES} to ${ENTRIES - 99}`).waitFor();
    expect(await rows().first().textContent()).toMatch(
      new RegExp(`^${ENTRIES}.*adaUser createduserName user ${ENTRIES}`),
    );
  });

  it('is read page by page, and the URL says which', async () => {
    await link('Older entries').click();
    await page.getByText(`Entries ${ENTRIES - 100} to ${ENTRIES - 199}`).waitFor();
    await link('Older entries').click();
    await page.getByText(`Entries ${ENTRIES - 200} to 1`).waitFor();
    expect(await link('Older entries').count()).toBe(0);
    await page.reload();
    await page.getByText(`Entries ${ENTRIES - 200} to 1`).waitFor();
    await page.goBack();
    await page.getByText(`Entries ${ENTRIES - 100} to ${ENTRIES - 199}`).waitFor();
    await link('Newest entries').click();
    await page.getByText(`Entries ${ENTRIES} to ${ENTRIES - 99}`).waitFor();
  });

  it('finds an entry however old it is, by who, what and about what', async () => {
    await search().getByLabel('Who').fill('grace');
    await search().getByLabel('What').selectOption('User created');
    await search().getByRole('button', { name: 'Search' }).click();
    await page.getByText('1 entry', { exact: true }).waitFor();
    await page.locator('[data-audit-entry="7"]').waitFor();
    expect(await rows().count()).toBe(1);
    await search().getByLabel('About').fill('user 8');
    await search().getByRole('button', { name: 'Search' }).click();
    await page.getByText('No entry matches.').waitFor();
    await page.goBack();
    await page.locator('[data-audit-entry="7"]').waitFor();
    expect(await search().getByLabel('About').inputValue()).toBe('');
    expect(await search().getByLabel('Who').inputValue()).toBe('grace');
  });

  it('is a link: whoever has it sees the same entries', async () => {
    await page.goto(`${controller.url}/audit?object=user%20200`);
    await page.locator('[data-audit-entry="200"]').waitFor();
    expect(await search().getByLabel('About').inputValue()).toBe('user 200');
    await rows().getByRole('link', { name: 'ada' }).click();
    await page.waitForURL(/actor=ada/);
    await page.locator('[data-audit-entry="200"]').waitFor();
    expect(await rows().count()).toBe(1);
  });

  it('is that of a time', async () => {
    await search().getByRole('link', { name: 'Clear' }).click();
    await page.getByText(`Entries ${ENTRIES} to ${ENTRIES - 99}`).waitFor();
    await search().getByLabel('From').fill('2020-01-01T00:00:01');
    await search().getByLabel('Until').fill('2020-01-02T00:00:01');
    await search().getByRole('button', { name: 'Search' }).click();
    await page.getByText('No entry matches.').waitFor();
    await search().getByLabel('Until').fill('2019-01-02T00:00:01');
    await search().getByRole('button', { name: 'Search' }).click();
    await page.getByText('“Until” is not after “From”').waitFor();
    await search().getByLabel('Until').fill('');
    await search().getByRole('button', { name: 'Search' }).click();
    await rows().first().waitFor();
    expect(await page.getByText(', and older ones').textContent()).toBe('100 entries, and older ones');
  });

  it('is saved whole, with the hashes that chain it', async () => {
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export whole log' }).click();
    const saved = await download;
    expect(saved.suggestedFilename()).toBe('audit-log.json');
    const { items, brokenAt } = JSON.parse(await readFile(await saved.path(), 'utf8'));
    expect(brokenAt).toBeNull();
    expect(items).toHaveLength(ENTRIES);
    expect(items.at(-1)).toMatchObject({
      sequence: 1,
      action: 'user_created',
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('says where the chain is broken when somebody has changed an entry', async () => {
    await controller.sql`alter table audit_entries disable trigger user`;
    await controller.sql`update audit_entries set actor = 'nobody' where sequence = 100`;
    await controller.sql`alter table audit_entries enable trigger user`;
    await page.getByRole('button', { name: 'Verify again' }).click();
    await page.getByText('The chain is broken at entry 100').waitFor();
  });
});

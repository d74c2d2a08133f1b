import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TEST_ADMIN_PASSWORD, TestController, TestPostgres } from '@weft/controller/test-controller';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ApiSession } from './api-session.js';
import { launchChromium, recordTrouble, whyNoChromium } from './chromium.js';
import { logIn } from './log-in.js';

/** A group from its making to its end, as an operator sees it, with the rule that names it. */
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
  const siteId = await api.make('sites', { name: 'Amsterdam', labels: { role: 'hub' } });
  await api.make('networks', { siteId, name: 'LAN', prefix: '10.1.0.0/16' });
  await api.make('sites', { name: 'Berlin', labels: { role: 'branch' } });
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

interface GroupAsRead {
  readonly id: string;
  readonly name: string;
  readonly members: readonly { readonly kind: string }[];
}

async function groups(): Promise<readonly GroupAsRead[]> {
  const { items } = await api.read<{ items: GroupAsRead[] }>('groups');
  return items;
}

/** What the browser tells of a request that was refused on purpose, and nothing else. */
function takeRefusal(status: number, path: string): void {
  const refused = trouble.splice(0);
  expect(refused.filter((each) => !each.includes(path))).toEqual([]);
  expect(refused.some((each) => each.startsWith(`${status}: `))).toBe(true);
}

const dialog = (): Locator => page.getByRole('dialog');
const row = (name: string): Locator => page.locator(`[data-group="${name}"]`);

async function act(name: string, action: string): Promise<void> {
  await row(name)
    .getByRole('button', { name: `Actions for ${name}` })
    .click();
  await page.getByRole('menuitem', { name: action }).click();
}

describe('groups in the console', () => {
  it('are made of members by kind', async () => {
    await page.goto(`${controller.url}/groups`);
    await logIn(page, 'admin', TEST_ADMIN_PASSWORD);
    await page.getByText('No groups yet').waitFor();
    await page.getByRole('button', { name: 'Add group' }).first().click();
    await dialog().getByLabel('Name').fill('branches');
    await dialog().getByLabel('Sites with labels').fill('role=branch');
    await dialog().getByRole('button', { name: 'Add group' }).click();
    await row('branches').getByText('sites with role=branch').waitFor();
    await row('branches').getByText('now 1').waitFor();
    await row('branches').getByText('no rule').waitFor();
  });

  it('say at the field what is wrong with a member', async () => {
    await act('branches', 'Edit group');
    await dialog().getByLabel('Sites with labels').fill('branch');
    await dialog().getByRole('button', { name: 'Save' }).click();
    await dialog().getByText('“branch” is no label').waitFor();
    await dialog().getByLabel('Sites with labels').fill('role=branch');
    await dialog().getByLabel('Prefixes').fill('10.66.0.1/24');
    await dialog().getByRole('button', { name: 'Save' }).click();
    await dialog().locator('[aria-invalid="true"]').waitFor();
    expect(await dialog().getByLabel('Prefixes').getAttribute('aria-invalid')).toBe('true');
    takeRefusal(422, '/groups/');
    await dialog().getByLabel('Prefixes').fill('10.66.0.0/24');
    await dialog().getByRole('button', { name: 'Save' }).click();
    await row('branches').getByText('10.66.0.0/24').waitFor();
    const [group] = await groups();
    expect(group?.members.map(({ kind }) => kind).sort()).toEqual(['prefix', 'site_labels']);
  });

  it('are found by their members', async () => {
    const filter = page.getByPlaceholder('Filter by name, member or rule');
    await filter.fill('amsterdam');
    await page.getByText('No group matches.').waitFor();
    await filter.fill('branch 10.66');
    await row('branches').waitFor();
    await filter.fill('');
  });

  it('get the sites and networks that get a label', async () => {
    await act('branches', 'Edit group');
    await dialog().getByLabel('Networks with labels').fill('use=office');
    await dialog().getByRole('button', { name: 'Save' }).click();
    await row('branches').getByText('now 0').waitFor();
    await page.getByRole('navigation').getByRole('link', { name: 'Sites' }).click();
    await page.getByRole('button', { name: 'Edit network 10.1.0.0/16' }).click();
    await dialog().getByLabel('Labels').fill('use=office');
    await dialog().getByRole('button', { name: 'Save' }).click();
    await dialog().waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Actions for Amsterdam' }).click();
    await page.getByRole('menuitem', { name: 'Edit site' }).click();
    expect(await dialog().getByLabel('Labels').inputValue()).toBe('role=hub');
    await dialog().getByLabel('Labels').fill('role=branch, region=emea');
    await dialog().getByRole('button', { name: 'Save' }).click();
    await page.getByText('region=emea, role=branch').waitFor();
    await page.getByRole('navigation').getByRole('link', { name: 'Groups' }).click();
    await row('branches').getByText('now 2').waitFor();
    await row('branches').getByText('now 1').waitFor();
  });

  it('are not deleted while a rule names them', async () => {
    const [group] = await groups();
    const any = [{ kind: 'any' }];
    const rule = {
      name: 'Web',
      action: 'PROTECT',
      sources: [{ kind: 'group', groupId: group?.id }],
      destinations: any,
    };
    const services = [{ protocol: 'tcp', ports: [{ first: 443, last: 443 }] }];
    const id = await api.make('policies', { name: 'Mesh', rules: [{ ...rule, services }] });
    await row('branches').getByText('1 rule').waitFor();
    await act('branches', 'Delete group');
    await dialog().getByRole('button', { name: 'Delete group' }).click();
    await dialog().getByText('the rule "Web" of the policy "Mesh"').waitFor();
    takeRefusal(409, '/groups/');
    await api.send('DELETE', `policies/${id}`);
    await dialog().getByRole('button', { name: 'Delete group' }).click();
    await row('branches').waitFor({ state: 'detached' });
    expect(await groups()).toEqual([]);
  });
});

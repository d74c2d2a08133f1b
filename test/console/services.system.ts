import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TEST_ADMIN_PASSWORD, TestController, TestPostgres } from '@weft/controller/test-controller';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ApiSession } from './api-session.js';
import { launchChromium, recordTrouble, whyNoChromium } from './chromium.js';
import { logIn } from './log-in.js';

/** A named service from its making to its end, as an operator sees it, with the rule that names it. */
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
  await api.make('policies', { name: 'Mesh', rules: [] });
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

interface ServiceAsRead {
  readonly id: string;
  readonly services: readonly object[];
}

interface PolicyAsRead {
  readonly id: string;
  readonly rules: readonly { readonly services: readonly object[]; readonly serviceIds: readonly string[] }[];
}

const items = async <Item>(path: string): Promise<readonly Item[]> =>
  (await api.read<{ items: readonly Item[] }>(path)).items;

/** What the browser tells of a request that was refused on purpose, and nothing else. */
function takeRefusal(status: number, path: string): void {
  const refused = trouble.splice(0);
  expect(refused.filter((each) => !each.includes(path))).toEqual([]);
  expect(refused.some((each) => each.startsWith(`${status}: `))).toBe(true);
}

const dialog = (): Locator => page.getByRole('dialog');
const row = (name: string): Locator => page.locator(`[data-service="${name}"]`);

async function act(name: string, action: string): Promise<void> {
  await row(name)
    .getByRole('button', { name: `Actions for ${name}` })
    .click();
  await page.getByRole('menuitem', { name: action }).click();
}

describe('named services in the console', () => {
  it('are made of protocols and ports', async () => {
    await page.goto(`${controller.url}/services`);
    await logIn(page, 'admin', TEST_ADMIN_PASSWORD);
    await page.getByText('No named services yet').waitFor();
    await page.getByRole('button', { name: 'Add service' }).first().click();
    await dialog().getByLabel('Name').fill('https');
    await dialog().getByLabel('Ports of service 1').fill('99999');
    await dialog().getByRole('button', { name: 'Add service' }).click();
    await dialog().getByText('“99999” is above 65535').waitFor();
    await dialog().getByLabel('Ports of service 1').fill('443, 8443-8444');
    await dialog().getByRole('button', { name: 'Add service' }).click();
    await row('https').getByText('TCP 443, 8443-8444').waitFor();
    await row('https').getByText('no rule').waitFor();
    const [https] = await items<ServiceAsRead>('services');
    expect(https?.services).toEqual([
      {
        protocol: 'tcp',
        ports: [
          { first: 443, last: 443 },
          { first: 8443, last: 8444 },
        ],
      },
    ]);
  });

  it('are chosen in a rule, whose line for everything goes', async () => {
    await page.getByRole('navigation').getByRole('link', { name: 'Policies' }).click();
    await page.getByRole('button', { name: 'Add rule' }).first().click();
    await dialog().getByLabel('Name', { exact: true }).fill('Web');
    for (const side of ['Sources', 'Destinations']) {
      await dialog().getByLabel(side).click();
      await page.getByRole('option', { name: 'any', exact: true }).click();
    }
    await dialog().getByLabel('Protocol of service 1').waitFor();
    await dialog().getByRole('combobox', { name: 'Named services' }).click();
    await page.getByRole('option', { name: 'https' }).click();
    await dialog().getByLabel('Protocol of service 1').waitFor({ state: 'detached' });
    await dialog().getByLabel('Name', { exact: true }).click();
    await dialog().getByRole('button', { name: 'Add rule' }).click();
    await dialog().waitFor({ state: 'detached' });
    await page.locator('[data-rule]').getByText('https').waitFor();
    const [[https], [mesh]] = [await items<ServiceAsRead>('services'), await items<PolicyAsRead>('policies')];
    expect(mesh?.rules).toMatchObject([{ services: [], serviceIds: [https?.id] }]);
  });

  it('are not lost where a rule is switched off and on', async () => {
    const [policy] = await items<PolicyAsRead>('policies');
    await page.getByLabel('Disable Web').click({ force: true });
    await page.getByLabel('Enable Web').waitFor();
    await page.locator('[data-rule]').getByText('https').waitFor();
    await page.getByRole('navigation').getByRole('link', { name: 'Services' }).click();
    await row('https').getByText('1 rule').waitFor();
    const [after] = await items<PolicyAsRead>('policies');
    expect(after?.rules).toMatchObject([{ ...policy?.rules[0], enabled: false }]);
  });

  it('are not deleted while a rule names them', async () => {
    const [policy] = await items<PolicyAsRead>('policies');
    await act('https', 'Delete service');
    await dialog().getByRole('button', { name: 'Delete service' }).click();
    await dialog().getByText('the rule "Web" of the policy "Mesh"').waitFor();
    takeRefusal(409, '/services/');
    await api.send('DELETE', `policies/${policy?.id}`);
    await dialog().getByRole('button', { name: 'Delete service' }).click();
    await row('https').waitFor({ state: 'detached' });
    expect(await items('services')).toEqual([]);
  });
});

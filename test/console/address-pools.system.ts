import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TEST_ADMIN_PASSWORD, TestController, TestPostgres } from '@weft/controller/test-controller';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ApiSession } from './api-session.js';
import { launchChromium, recordTrouble, whyNoChromium } from './chromium.js';
import { logIn } from './log-in.js';

/** Remote access from its beginning to its publication: a pool, hosts that have addresses of it, a rule that names it. */
const CONSOLE = fileURLToPath(new URL('../../apps/web-console/dist/index.html', import.meta.url));
const reason =
  whyNoChromium() ?? (existsSync(CONSOLE) ? undefined : 'not built (npm run build): apps/web-console/dist/index.html');
/** Longest wait for a page. */
const PAGE_TIMEOUT_MILLISECONDS = 60_000;
const KEY = 'correct horse battery staple';

let postgres: TestPostgres;
let controller: TestController;
let api: ApiSession;
let browser: Browser;
let page: Page;
let trouble: string[];
let berlin: string;

beforeAll(async () => {
  if (reason !== undefined) return;
  postgres = await TestPostgres.start();
  controller = await TestController.start({ databaseUrl: await postgres.createDatabase() });
  api = await ApiSession.open(controller.url, 'admin', TEST_ADMIN_PASSWORD);
  berlin = await api.make('sites', { name: 'berlin' });
  await api.make('networks', { siteId: berlin, name: 'lan', prefix: '10.1.0.0/16' });
  await api.make('edges', { siteId: berlin, name: 'berlin-1', underlayAddress: '203.0.113.1' });
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

/** What the browser tells of a request that was refused on purpose, and nothing else. */
function takeRefusal(status: number, path: string): void {
  const refused = trouble.splice(0);
  expect(refused.filter((each) => !each.includes(path))).toEqual([]);
  expect(refused.some((each) => each.includes(`${status}`))).toBe(true);
}

const dialog = (): Locator => page.getByRole('dialog');
const pool = (name: string): Locator => page.locator(`[data-pool="${name}"]`);
const peer = (name: string): Locator => page.locator('[data-peer]').filter({ hasText: name });
const goTo = (name: string): Promise<void> => page.getByRole('navigation').getByRole('link', { name }).click();

interface PeerAsRead {
  readonly name: string;
  readonly assigned?: readonly { readonly address: string }[];
}

async function peers(): Promise<readonly PeerAsRead[]> {
  return (await api.read<{ items: readonly PeerAsRead[] }>('external-peers')).items;
}

// In order: each step goes on from the one before it.
describe('remote access in the console', () => {
  it('begins with an address pool, and says at the field what is wrong with its prefix', async () => {
    await page.goto(`${controller.url}/address-pools`);
    await logIn(page, 'admin', TEST_ADMIN_PASSWORD);
    await page.getByRole('heading', { name: 'No address pools yet' }).waitFor();
    await page.getByRole('button', { name: 'Add address pool' }).first().click();
    await dialog().getByLabel('Name', { exact: true }).fill('notebooks');
    await dialog().getByLabel('Prefix').fill('10.99.0.1/24');
    await dialog().getByLabel('Name servers').fill('10.1.0.53');
    await dialog().getByLabel('Domains').fill('corp.example');
    await dialog().getByRole('button', { name: 'Add address pool' }).click();
    await dialog().getByLabel('Prefix').and(page.locator('[aria-invalid=true]')).waitFor();
    takeRefusal(422, '/address-pools');
    await dialog().getByLabel('Prefix').fill('10.99.0.0/24');
    await dialog().getByRole('button', { name: 'Add address pool' }).click();
    await pool('notebooks').getByText('254 of 254').waitFor();
    await pool('notebooks').getByText('for corp.example').waitFor();
    const { items } = await api.read<{ items: object[] }>('address-pools');
    expect(items).toMatchObject([{ siteId: berlin, prefix: '10.99.0.0/24', nameServers: ['10.1.0.53'] }]);
  });

  it('has hosts, each with the lowest address that is free, or with its own', async () => {
    await goTo('External peers');
    await addHost('ada', '');
    await peer('ada').getByText('Remote host').waitFor();
    await peer('ada').getByText('10.99.0.1', { exact: true }).waitFor();
    await peer('ada').getByText('No tunnel').waitFor();
    await addHost('grace', '10.99.0.77');
    await peer('grace').getByText('10.99.0.77', { exact: true }).waitFor();
    expect((await peers()).map(({ name, assigned }) => [name, assigned?.map(({ address }) => address)])).toEqual([
      ['ada', ['10.99.0.1']],
      ['grace', ['10.99.0.77']],
    ]);
    await goTo('Address pools');
    await pool('notebooks').getByText('252 of 254').waitFor();
    await pool('notebooks').getByRole('link', { name: 'grace' }).waitFor();
  });

  it('says at the field that an address is none of the pool', async () => {
    await pool('notebooks').getByRole('link', { name: 'grace' }).click();
    await page.getByText('10.99.0.77').first().waitFor();
    await page.getByRole('button', { name: 'Edit' }).click();
    await dialog().getByLabel('IPv4 address').fill('10.1.0.7');
    await dialog().getByRole('button', { name: 'Save' }).click();
    await dialog().getByLabel('IPv4 address').and(page.locator('[aria-invalid=true]')).waitFor();
    takeRefusal(422, '/external-peers/');
    await dialog().getByRole('button', { name: 'Cancel' }).click();
  });

  it('has rules that name the pool, which the draft and its hosts say', async () => {
    await api.make('policies', { name: 'travel', rules: [] });
    await goTo('Policies');
    await page.getByRole('button', { name: 'Add rule' }).first().click();
    await dialog().getByLabel('Name', { exact: true }).fill('into the office');
    await choose('Sources', 'notebooks 10.99.0.0/24');
    await choose('Destinations', 'berlin');
    await dialog().getByRole('button', { name: 'Add rule' }).click();
    await dialog().waitFor({ state: 'detached' });
    await page.locator('[data-rule]').getByText('notebooks 10.99.0.0/24').waitFor();
    await goTo('External peers');
    await page.getByRole('link', { name: 'ada', exact: true }).click();
    await page.getByRole('link', { name: '“into the office” of travel' }).waitFor();
    await page.getByRole('button', { name: 'Review and publish' }).click();
    for (const text of ['Address pool “notebooks” added', 'External peer “ada” added', 'Rule “into the office” added'])
      await dialog().getByText(text).first().waitFor();
    await dialog().getByRole('button', { name: 'Publish' }).click();
    await dialog().getByRole('button', { name: 'Done' }).click();
    await dialog().waitFor({ state: 'detached' });
  });

  it('keeps a pool that a host has an address of, and says which', async () => {
    await goTo('Address pools');
    await pool('notebooks').getByRole('button', { name: 'Actions for notebooks' }).click();
    await page.getByRole('menuitem', { name: 'Delete address pool' }).click();
    await dialog().getByRole('button', { name: 'Delete address pool' }).click();
    await dialog().getByText(/ada/).first().waitFor();
    takeRefusal(409, '/address-pools/');
    await dialog().getByRole('button', { name: 'Cancel' }).click();
  });

  it('has hosts that are not there once they are published, with what their programs need', async () => {
    await goTo('External peers');
    await page.getByRole('link', { name: 'ada', exact: true }).click();
    await page.getByText('/etc/swanctl/conf.d/weft-ada.conf').waitFor();
    expect(await page.content()).not.toContain(KEY);
    await page.getByRole('navigation').getByRole('link', { name: 'Topology' }).click();
    await page.locator('.w-node').getByText('0 of 2 connected').click();
    await page.getByRole('complementary', { name: 'Details' }).getByRole('link', { name: 'grace' }).click();
  });

  it('says of a host that gets another address which it had, and of which pool', async () => {
    await page.getByRole('button', { name: 'Edit' }).click();
    expect(await dialog().getByLabel('Remote host').count()).toBe(0);
    await dialog().getByLabel('IPv4 address').fill('10.99.0.78');
    await dialog().getByRole('button', { name: 'Save' }).click();
    await dialog().waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Review and publish' }).click();
    await dialog().getByText('External peer “grace” changed').waitFor();
    await dialog().getByText('10.99.0.77 of notebooks').waitFor();
    await dialog().getByText('10.99.0.78 of notebooks').waitFor();
  });
});

/** An empty address: the lowest that is free. */
async function addHost(name: string, address: string): Promise<void> {
  await page.getByRole('button', { name: 'Add external peer' }).click();
  await dialog().getByLabel('Remote host').check();
  await dialog().getByLabel('Name', { exact: true }).fill(name);
  await dialog().getByLabel('IPv4 address').fill(address);
  await dialog().getByLabel('Identity of the host').fill(`${name}@corp.example`);
  await dialog().getByLabel('Identity of our edge').fill('berlin.example');
  await dialog().getByRole('textbox', { name: 'Pre-shared key' }).fill(KEY);
  await dialog().getByRole('button', { name: 'Add external peer' }).click();
  await dialog().waitFor({ state: 'detached' });
}

async function choose(end: string, text: string): Promise<void> {
  await dialog().getByRole('textbox', { name: end }).fill(text);
  await page.getByRole('option', { name: text, exact: true }).click();
}

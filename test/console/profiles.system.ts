import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TEST_ADMIN_PASSWORD, TestController, TestPostgres } from '@weft/controller/test-controller';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ApiSession } from './api-session.js';
import { launchChromium, recordTrouble, whyNoChromium } from './chromium.js';
import { logIn } from './log-in.js';

/** A profile from its making to its end, as an operator sees it: by a rule, by default, and in what a revision changes. */
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
  await publishOneRule();
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

interface ProfileAsRead {
  readonly id: string;
  readonly name: string;
  readonly esp: object;
  readonly ike: object;
}

const items = async <Item>(path: string): Promise<readonly Item[]> =>
  (await api.read<{ items: readonly Item[] }>(path)).items;

/** What the browser tells of a request that was refused on purpose, and nothing else. */
function takeRefusal(status: number, path: string): void {
  const refused = trouble.splice(0);
  expect(refused.filter((each) => !each.includes(path))).toEqual([]);
  expect(refused.some((each) => each.includes(`${status}`))).toBe(true);
}

const dialog = (): Locator => page.getByRole('dialog');
const row = (name: string): Locator => page.locator(`[data-profile="${name}"]`);
const goTo = (name: string): Promise<void> => page.getByRole('navigation').getByRole('link', { name }).click();

async function act(name: string, action: string): Promise<void> {
  await row(name)
    .getByRole('button', { name: `Actions for ${name}` })
    .click();
  await page.getByRole('menuitem', { name: action }).click();
}

// In order: each step goes on from the one before it.
describe('profiles in the console', () => {
  it('begin with that of the product, which rules have by default and the compiler knows', async () => {
    await page.goto(`${controller.url}/profiles`);
    await logIn(page, 'admin', TEST_ADMIN_PASSWORD);
    await row('Standard').getByText('default', { exact: true }).waitFor();
    await row('Standard').getByText('Mesh: Web').waitFor();
    await row('Standard').getByText('berlin → tokyo').waitFor();
    const { hops } = await api.read<{ hops: readonly { association: unknown }[] }>(
      'revisions/1/explanation?source=10.1.0.7&destination=10.2.0.9&protocol=icmp',
    );
    const exchange = { method: 31, additionalMethods: [36] };
    expect(hops[0]?.association).toMatchObject({
      profile: null,
      esp: { encryption: 'aes-gcm-16', keyBits: 256, replayWindow: 1024 },
      ike: {
        proposals: [{ encryption: 'aes-gcm-16', keyBits: 256, prf: 'hmac-sha2-384', keyExchange: exchange }],
        childKeyExchange: exchange,
        ikeLifetimeSeconds: 14_400,
        childLifetimeSeconds: 3600,
      },
    });
    await row('Standard').getByText('AES-256-GCM, ESN, replay window 1024').waitFor();
    await row('Standard').getByText('AES-256-GCM, HMAC-SHA-384, X25519 + ML-KEM-768').waitFor();
    await row('Standard').getByText('PFS with X25519 + ML-KEM-768').waitFor();
  });

  it('are made of algorithms, with what is wrong at the field that it is about', async () => {
    await page.getByRole('button', { name: 'Add profile' }).click();
    await dialog().getByRole('button', { name: 'Add profile' }).click();
    await dialog().getByText('Give the profile a name.').waitFor();
    await dialog().getByLabel('Name').fill('chacha');
    await dialog().getByLabel('ESP encryption').selectOption('ChaCha20-Poly1305');
    await dialog().getByLabel('Replay window').fill('32');
    await dialog().getByRole('button', { name: 'Add profile' }).click();
    await dialog().getByLabel('Replay window').and(page.locator('[aria-invalid=true]')).waitFor();
    takeRefusal(422, '/profiles');
    await dialog().getByLabel('Replay window').fill('64');
    await dialog().getByRole('button', { name: 'Add profile' }).click();
    await row('chacha').getByText('ChaCha20-Poly1305, ESN, replay window 64').waitFor();
    await row('chacha').getByText('no rule').waitFor();
    expect(await items<ProfileAsRead>('profiles')).toMatchObject([
      { name: 'chacha', esp: { encryption: 'chacha20-poly1305', keyBits: 256, replayWindow: 64 } },
    ]);
  });

  it('are chosen in a rule, and not deleted while it names them', async () => {
    await goTo('Policies');
    await page.getByRole('button', { name: 'Web', exact: true }).click();
    await dialog().getByLabel('Profile').selectOption('chacha (ChaCha20-Poly1305)');
    await dialog().getByRole('button', { name: 'Save rule' }).click();
    await dialog().waitFor({ state: 'detached' });
    await page.locator('[data-rule]').getByText('chacha').waitFor();
    await goTo('Profiles');
    await row('chacha').getByText('Mesh: Web').waitFor();
    await row('Standard').getByText('no rule').waitFor();
    await act('chacha', 'Delete profile');
    await dialog().getByRole('button', { name: 'Delete profile' }).click();
    await dialog().getByText('the rule "Web" of the policy "Mesh"').waitFor();
    takeRefusal(409, '/profiles/');
    await dialog().getByRole('button', { name: 'Cancel' }).click();
  });

  it('are the default where an admin says so, and named in what a revision changes', async () => {
    await act('chacha', 'Make default');
    await dialog().getByRole('button', { name: 'Make default' }).click();
    await row('chacha').getByText('default', { exact: true }).waitFor();
    await row('Standard').getByText('default', { exact: true }).waitFor({ state: 'detached' });
    const [chacha] = await items<ProfileAsRead>('profiles');
    expect(await api.read<{ defaultProfileId: string }>(`/tenants/${api.tenantId}`)).toMatchObject({
      defaultProfileId: chacha?.id,
    });
    const [berlin] = (await items<{ id: string; name: string }>('sites')).filter(({ name }) => name === 'berlin');
    await api.send('PUT', 'topology', { kind: 'hub_and_spoke', hubSiteIds: [berlin?.id] }, { 'if-match': '*' });
    await api.make('revisions', { comment: 'chacha' });
    await page.goto(`${controller.url}/revisions?number=2`);
    const panel = page.getByRole('region', { name: 'Revision 2' });
    await panel.getByText('default profile: Standard chacha').waitFor();
    await panel.getByText('profile: the default chacha').waitFor();
    await panel.getByText('topology: Full mesh becomes hub and spoke').waitFor();
    await panel.getByText('topology: hub berlin').waitFor();
    const said = (await panel.textContent()) ?? '';
    for (const id of [chacha?.id ?? '', berlin?.id ?? '']) expect(said.includes(id)).toBe(false);
  });

  it('are in revisions that are listed page by page', async () => {
    // As if one filled the list.
    await page.route('**/revisions?limit=*', (route) => {
      const url = new URL(route.request().url());
      url.searchParams.set('limit', '1');
      return route.continue({ url: url.href });
    });
    await page.goto(`${controller.url}/revisions`);
    await page.getByText('The newest 1 of 2 revisions').waitFor();
    await page.getByRole('region', { name: 'Revision 2' }).waitFor();
    await page.getByRole('link', { name: 'Older revisions' }).click();
    await page.getByText('Revisions 1 to 1 of 2').waitFor();
    await page
      .getByRole('region', { name: 'Revision 1' })
      .getByRole('button', { name: 'Restore revision 1' })
      .waitFor();
    await page.getByRole('link', { name: 'Older revisions' }).waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Newest revisions' }).click();
    await page.getByRole('region', { name: 'Revision 2' }).getByText('newest', { exact: true }).waitFor();
    await page.unroute('**/revisions?limit=*');
  });
});

/** Two sites and a rule between them, published. */
async function publishOneRule(): Promise<void> {
  const [berlin, tokyo] = [await api.make('sites', { name: 'berlin' }), await api.make('sites', { name: 'tokyo' })];
  await api.make('networks', { siteId: berlin, name: 'lan', prefix: '10.1.0.0/16' });
  await api.make('networks', { siteId: tokyo, name: 'lan', prefix: '10.2.0.0/16' });
  await api.make('edges', { siteId: berlin, name: 'berlin-1', underlayAddress: '203.0.113.1' });
  await api.make('edges', { siteId: tokyo, name: 'tokyo-1', underlayAddress: '203.0.113.2' });
  const web = {
    name: 'Web',
    action: 'PROTECT',
    sources: [{ kind: 'site', siteId: berlin }],
    destinations: [{ kind: 'site', siteId: tokyo }],
    services: [{ protocol: 'any', ports: [] }],
  };
  await api.make('policies', { name: 'Mesh', rules: [web] });
  await api.make('revisions', { comment: 'mesh' });
}

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TEST_ADMIN_PASSWORD, TestController, TestPostgres } from '@weft/controller/test-controller';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ApiSession } from './api-session.js';
import { launchChromium, recordTrouble, whyNoChromium } from './chromium.js';
import { logIn } from './log-in.js';

/** Describes gateways of others in the console, for a fabric whose edges nobody has started. */
const CONSOLE = fileURLToPath(new URL('../../apps/web-console/dist/index.html', import.meta.url));
const reason =
  whyNoChromium() ?? (existsSync(CONSOLE) ? undefined : 'not built (npm run build): apps/web-console/dist/index.html');
/** Longest wait for a page. */
const PAGE_TIMEOUT_MILLISECONDS = 60_000;
const KEY = 'correct horse battery staple';

let postgres: TestPostgres;
let controller: TestController;
let browser: Browser;
let page: Page;
let trouble: string[];
let api: ApiSession;
let berlin: string;

beforeAll(async () => {
  if (reason !== undefined) return;
  postgres = await TestPostgres.start();
  controller = await TestController.start({ databaseUrl: await postgres.createDatabase() });
  await makeFabric();
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

// In order: each step goes on from the one before it.
describe('the pages of external peers', () => {
  it('begin empty, and add the first, which has no tunnel until a rule is published', async () => {
    await page.goto(`${controller.url}/external-peers`);
    await logIn(page, 'admin', TEST_ADMIN_PASSWORD);
    await page.getByRole('heading', { name: 'No external peers yet' }).waitFor();
    await page.getByRole('button', { name: 'Add external peer' }).click();
    const dialog = page.getByRole('dialog');
    await fill(dialog, {
      Name: 'partner',
      Address: '203.0.113.99',
      'Identity of the gateway': 'gw.partner.example',
      'Identity of our edge': 'berlin.example',
      'Pre-shared key': KEY,
      'Networks behind the gateway': '10.8.0.0/24\n10.9.0.0/16',
    });
    await dialog.getByRole('button', { name: 'Add external peer' }).click();
    await dialog.waitFor({ state: 'detached' });
    const row = page.locator('[data-peer]').filter({ hasText: 'partner' });
    await row.getByText('No tunnel').waitFor();
    await row.getByText('10.9.0.0/16').waitFor();
    const { items } = await api.read<{ items: object[] }>('external-peers');
    expect(items).toMatchObject([{ name: 'partner', siteId: berlin, localIdentity: 'berlin.example', port: 4500 }]);
  });

  it('show one with the files of its operator, for either program, and without the key', async () => {
    await page.getByRole('link', { name: 'partner', exact: true }).click();
    await page.getByRole('heading', { name: 'partner', exact: true }).waitFor();
    await page.getByText('none yet, so that nothing passes').waitFor();
    await page.getByText('AES-256-GCM, HMAC-SHA-384, X25519', { exact: true }).waitFor();
    await page.getByText('/etc/swanctl/conf.d/weft-partner.conf').waitFor();
    const file = page.locator('pre');
    expect(await file.textContent()).toContain('remote_addrs = 203.0.113.1');
    await page.getByText('Libreswan', { exact: true }).click();
    await page.getByText('/etc/ipsec.d/weft-partner.secrets').waitFor();
    expect(await page.content()).not.toContain(KEY);
  });

  it('show its tunnel once a rule is published, and that the edge is away', async () => {
    const rule = {
      name: 'to partner',
      action: 'PROTECT',
      sources: [{ kind: 'site', siteId: berlin }],
      destinations: [{ kind: 'external_peer', externalPeerId: await peerId('partner') }],
      services: [{ protocol: 'any', ports: [] }],
    };
    await api.send('POST', 'policies', { name: 'partners', rules: [rule] });
    await page.getByRole('link', { name: '“to partner” of partners' }).waitFor();
    await page.getByText('It comes with the next revision that you publish.').waitFor();
    await api.send('POST', 'revisions', { comment: 'partner' });
    await page.getByText('The edge is not connected to the controller.').waitFor();
    await page.getByRole('link', { name: 'Rates over time' }).click();
    await page.getByRole('row', { name: /berlin ↔ partner/ }).waitFor();
    await page.getByRole('navigation').getByRole('link', { name: 'Topology' }).click();
    await page.getByRole('button', { name: 'Tunnel berlin ↔ partner: Down' }).waitFor();
    await page.locator('.w-node-peer').getByText('203.0.113.99').waitFor();
  });

  it('change one and keep its key, and say at the field what is wrong', async () => {
    await page.goto(`${controller.url}/external-peers/${await peerId('partner')}`);
    await page.getByRole('button', { name: 'Edit' }).click();
    const dialog = page.getByRole('dialog');
    await fill(dialog, { 'Networks behind the gateway': '10.8.0.1/24', Description: 'ours since spring' });
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByLabel('Networks behind the gateway').and(page.locator('[aria-invalid=true]')).waitFor();
    expect(trouble.splice(0).filter((each) => !each.includes('422'))).toEqual([]);
    await fill(dialog, { 'Networks behind the gateway': '10.8.0.0/24' });
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('ours since spring').waitFor();
    const { items } = await api.read<{ items: object[] }>('external-peers');
    expect(items).toMatchObject([{ prefixes: ['10.8.0.0/24'], preSharedKey: 'set', version: 2 }]);
  });

  it('do not delete one that a rule names, and say which', async () => {
    await page.getByRole('button', { name: 'Delete' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Delete external peer' }).click();
    await dialog
      .getByText(/the rule "to partner"/)
      .first()
      .waitFor();
    expect(trouble.splice(0).filter((each) => !each.includes('409'))).toEqual([]);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  });

  it('import what an operator has, after it was shown what would come of it, or what is wrong and where', async () => {
    await page.getByRole('navigation').getByRole('link', { name: 'External peers' }).click();
    await page.getByRole('button', { name: 'Import swanctl.conf' }).click();
    const dialog = page.getByRole('dialog');
    const text = dialog.getByLabel('swanctl.conf of the gateway');
    await text.fill(SWANCTL.replace('version = 2', 'version = 1'));
    await dialog.getByRole('button', { name: 'Check' }).click();
    await dialog.getByText(/^Line 3, column 5, connections\.cloud\.version: /).waitFor();
    expect(trouble.splice(0).filter((each) => !each.includes('422'))).toEqual([]);
    await text.fill(SWANCTL);
    await dialog.getByRole('button', { name: 'Check' }).click();
    const findings = dialog.getByLabel('What would be imported');
    await findings.getByText('vpn.cloud.example').waitFor();
    await findings.getByText('1 setting of the gateway alone').waitFor();
    expect(await names()).toEqual(['partner']);
    await dialog.getByRole('button', { name: 'Import 1 external peer' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.locator('[data-peer]').filter({ hasText: 'cloud' }).waitFor();
    expect(await names()).toEqual(['cloud', 'partner']);
  });

  it('delete one that no rule names', async () => {
    await page.getByRole('link', { name: 'cloud', exact: true }).click();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete external peer' }).click();
    await page.getByRole('heading', { name: 'External peers' }).waitFor();
    await page.locator('[data-peer]').filter({ hasText: 'cloud' }).waitFor({ state: 'detached' });
    expect(await names()).toEqual(['partner']);
  });
});

async function fill(dialog: Locator, fields: Readonly<Record<string, string>>): Promise<void> {
  for (const [label, value] of Object.entries(fields))
    await dialog.getByRole('textbox', { name: label, exact: true }).fill(value);
}

async function peerId(name: string): Promise<string> {
  const { items } = await api.read<{ items: { id: string; name: string }[] }>('external-peers');
  return items.find((peer) => peer.name === name)?.id ?? '';
}

async function names(): Promise<string[]> {
  const { items } = await api.read<{ items: { name: string }[] }>('external-peers');
  return items.map(({ name }) => name);
}

/** One site with a network and an edge. */
async function makeFabric(): Promise<void> {
  api = await ApiSession.open(controller.url, 'admin', TEST_ADMIN_PASSWORD);
  berlin = await api.make('sites', { name: 'berlin' });
  await api.make('networks', { siteId: berlin, name: 'lan', prefix: '10.1.0.0/16' });
  await api.make('edges', { siteId: berlin, name: 'berlin-1', underlayAddress: '203.0.113.1' });
}

const SWANCTL = `connections {
  cloud {
    version = 2
    mobike = no
    local_addrs = 192.0.2.200
    proposals = aes256gcm16-prfsha384-x25519
    local { auth = psk
      id = vpn.cloud.example }
    remote { auth = psk
      id = berlin.example }
    children { net {
      local_ts = 10.30.0.0/16
      remote_ts = 10.0.0.0/8
      esp_proposals = aes256gcm16-x25519
    } }
  }
}
secrets { ike-cloud { secret = "${KEY}" } }
`;

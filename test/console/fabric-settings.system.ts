import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TEST_ADMIN_PASSWORD, TestController, TestPostgres } from '@weft/controller/test-controller';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ApiSession } from './api-session.js';
import { launchChromium, recordTrouble, whyNoChromium } from './chromium.js';
import { logIn } from './log-in.js';

/** How a fabric works, chosen by an admin and seen by a viewer, in a fabric whose edges nobody has started. */
const CONSOLE = fileURLToPath(new URL('../../apps/web-console/dist/index.html', import.meta.url));
const reason =
  whyNoChromium() ?? (existsSync(CONSOLE) ? undefined : 'not built (npm run build): apps/web-console/dist/index.html');
/** Longest wait for a page. */
const PAGE_TIMEOUT_MILLISECONDS = 60_000;
const VIEWER_PASSWORD = 'a password for the tests';

let postgres: TestPostgres;
let controller: TestController;
let browser: Browser;
let page: Page;
const trouble: string[][] = [];

beforeAll(async () => {
  if (reason !== undefined) return;
  postgres = await TestPostgres.start();
  controller = await TestController.start({ databaseUrl: await postgres.createDatabase() });
  await publishTwoSites();
  browser = await launchChromium();
  page = await freshPage();
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

const dialog = (): Locator => page.getByRole('dialog');
const setting = (of: Page, name: string): Locator => of.locator(`[data-setting="${name}"]`);
const choose = (title: string, choice: string): Promise<void> =>
  page.getByRole('radiogroup', { name: title, exact: true }).getByRole('radio', { name: choice }).check();

async function save(): Promise<void> {
  await page.getByRole('button', { name: 'Save to the draft' }).click();
  await page.getByText('Nothing to save.').waitFor();
}

/** What is chosen, from top to bottom. */
function chosen(of: Page): Promise<string[]> {
  return of
    .getByRole('main')
    .locator('input[type=radio]:checked')
    .evaluateAll((inputs) => inputs.map((input) => input.getAttribute('value') ?? ''));
}

describe('the settings of a fabric in the console', () => {
  it('are those of the draft, and what an admin chooses is in it once saved', async () => {
    await page.goto(`${controller.url}/fabric`);
    await logIn(page, 'admin', TEST_ADMIN_PASSWORD);
    await page.getByText('Nothing to save.').waitFor();
    await expect.poll(() => chosen(page)).toEqual(['esp', 'tunnel', 'ikev2', 'udp', 'full_mesh']);
    await choose('Security protocol', 'AH');
    await page.getByText('1 change not saved').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('Nothing to save.').waitFor();
    await expect.poll(() => chosen(page)).toEqual(['esp', 'tunnel', 'ikev2', 'udp', 'full_mesh']);
    await choose('Security protocol', 'AH');
    await save();
    await setting(page, 'securityProtocol')
      .getByText('Until the next revision edges run ESP: encrypted and authenticated')
      .waitFor();
    await page.getByText('Unpublished changes').waitFor();
    await page.reload();
    await page.getByText('Nothing to save.').waitFor();
    await expect.poll(() => chosen(page)).toEqual(['ah', 'tunnel', 'ikev2', 'udp', 'full_mesh']);
  });

  it('say what is wrong at the setting that it is about, with what to do', async () => {
    await choose('Keys', 'IKE-less');
    await save();
    await setting(page, 'keyingMode')
      .getByText('where edges do not negotiate nobody looks for one. Let the edges negotiate')
      .waitFor();
    await page.getByRole('button', { name: 'See what is wrong' }).click();
    await dialog().getByText('Fabric settings, “Keys”').waitFor();
    await dialog().getByRole('button', { name: 'Close' }).last().click();
    await choose('Keys', 'IKEv2');
    await choose('Mode', 'Transport');
    await save();
    await setting(page, 'mode').getByText('is not the underlay address of the edge').first().waitFor();
    await choose('Mode', 'Tunnel');
    await save();
    await setting(page, 'mode')
      .getByText('is not the underlay address of the edge')
      .first()
      .waitFor({ state: 'detached' });
  });

  it('are in force with the next revision, and the tunnels say so', async () => {
    await page.getByRole('button', { name: 'Review and publish' }).click();
    await dialog().getByText('AUTHENTICATED BUT NOT ENCRYPTED').waitFor();
    await dialog().getByRole('button', { name: 'Publish' }).click();
    await dialog()
      .getByText(/Revision \d+ is published/)
      .waitFor();
    await dialog().getByRole('button', { name: 'Done' }).click();
    await page.getByText('Until the next revision').waitFor({ state: 'detached' });
    await page.getByRole('navigation').getByRole('link', { name: 'Tunnels' }).click();
    const row = page.locator('tr[data-tunnel]');
    await row.getByText('authenticated, NOT ENCRYPTED (AH)').waitFor();
    await row.click();
    await page.getByText('Everybody on the underlay can read what is in it').waitFor();
  });

  it('have the topology beside them, with the sites that it names, and say where it does not fit', async () => {
    await page.goto(`${controller.url}/fabric`);
    await page.getByText('The topology is saved.').waitFor();
    await choose('Topology', 'Hub and spoke');
    await page.getByText('Choose a hub.').waitFor();
    await page.getByRole('combobox', { name: 'Hubs' }).click();
    await page.getByRole('option', { name: 'tokyo' }).click();
    await page.keyboard.press('Escape');
    await page.getByText('The topology is not saved.').waitFor();
    await page.getByRole('button', { name: 'Save the topology to the draft' }).click();
    await page.getByText('The topology is saved.').waitFor();
    await page.getByText('Unpublished changes').waitFor();
    await page.reload();
    await page.getByText('The topology is saved.').waitFor();
    await expect.poll(() => chosen(page)).toEqual(['ah', 'tunnel', 'ikev2', 'udp', 'hub_and_spoke']);
    await setting(page, 'topology').getByText('tokyo').first().waitFor();
    await choose('Mode', 'Transport');
    await save();
    await setting(page, 'topology').getByText('Use a full or partial mesh, or choose tunnel mode.').waitFor();
    await choose('Mode', 'Tunnel');
    await save();
  });

  it('have the start of tunnels beside them, with an idle time, and say where nothing could begin them', async () => {
    const start = setting(page, 'tunnelStart');
    await start.getByLabel('Tunnels start').selectOption('When there is traffic');
    await start.getByLabel('Idle seconds').fill('9');
    await start.getByText('Give 10 to 2592000 whole seconds').waitFor();
    expect(await page.getByRole('button', { name: 'Save the start of tunnels' }).isDisabled()).toBe(true);
    await start.getByLabel('Idle seconds').fill('600');
    await page.getByRole('button', { name: 'Save the start of tunnels' }).click();
    await page.getByText('The start of tunnels is saved.').waitFor();
    await page.reload();
    await page.getByText('The start of tunnels is saved.').waitFor();
    expect(await start.getByLabel('Idle seconds').inputValue()).toBe('600');
    await choose('Keys', 'Controller-blind');
    await save();
    await start.getByText('its keying mode is controller-blind').waitFor();
    await choose('Keys', 'IKEv2');
    await save();
    await start.getByText('its keying mode is controller-blind').waitFor({ state: 'detached' });
  });

  it('are shown to a viewer, who learns why they cannot be changed', async () => {
    const viewer = await freshPage();
    await viewer.goto(`${controller.url}/fabric`);
    await logIn(viewer, 'vera', VIEWER_PASSWORD);
    await viewer.getByText('Only admins of the tenant change how its fabric works. You are viewer.').waitFor();
    await setting(viewer, 'securityProtocol').waitFor();
    await expect.poll(() => chosen(viewer)).toEqual(['ah', 'tunnel', 'ikev2', 'udp', 'hub_and_spoke']);
    expect(await viewer.getByRole('main').locator('input[type=radio]:enabled').count()).toBe(0);
    expect(await viewer.getByRole('button', { name: 'Save to the draft' }).count()).toBe(0);
  });
});

async function freshPage(): Promise<Page> {
  const fresh = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  fresh.setDefaultTimeout(PAGE_TIMEOUT_MILLISECONDS);
  trouble.push(recordTrouble(fresh));
  return fresh;
}

/** With a rule between them, and somebody who may look. */
async function publishTwoSites(): Promise<void> {
  const api = await ApiSession.open(controller.url, 'admin', TEST_ADMIN_PASSWORD);
  const [berlin, tokyo] = [await api.make('sites', { name: 'berlin' }), await api.make('sites', { name: 'tokyo' })];
  await api.make('networks', { siteId: berlin, name: 'lan', prefix: '10.1.0.0/16' });
  await api.make('networks', { siteId: tokyo, name: 'lan', prefix: '10.2.0.0/16' });
  await api.make('edges', { siteId: berlin, name: 'berlin-1', underlayAddress: '203.0.113.1' });
  await api.make('edges', { siteId: tokyo, name: 'tokyo-1', underlayAddress: '203.0.113.2' });
  const all = {
    name: 'all',
    action: 'PROTECT',
    sources: [{ kind: 'site', siteId: berlin }],
    destinations: [{ kind: 'site', siteId: tokyo }],
    services: [{ protocol: 'any', ports: [] }],
  };
  await api.make('policies', { name: 'branches', rules: [all] });
  await api.make('revisions', { comment: 'esp' });
  await api.make('users', { name: 'vera', password: VIEWER_PASSWORD, role: 'viewer' });
}

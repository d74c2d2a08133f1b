import { createHmac } from 'node:crypto';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium, recordTrouble, whyNoChromium } from './chromium.js';
import { logIn } from './log-in.js';
import { openTarget, type Target, whyNoTarget } from './target.js';

/**
 * Clicks through the console as an operator would, against a real controller with real edges. Every page fails the
 * test that saw a console error, an exception or a refused request. What it makes, it deletes and publishes away.
 */
const reason = whyNoChromium() ?? whyNoTarget();
const SITE = `Console test ${process.pid}`;
const RULE = `Console test rule ${process.pid}`;
const POLICY_TEST = `Console test policy test ${process.pid}`;
const IDLE_RULE = `Console test idle rule ${process.pid}`;
const USER = `console-test-${process.pid}`;
const API_TOKEN = `Console test API token ${process.pid}`;
const BASE_32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const PREFIX = '10.254.0.0/24';
/** Longest wait for an effect that passes through the controller and an edge. */
const EFFECT_TIMEOUT_MILLISECONDS = 60_000;

let target: Target;
let browser: Browser;
let page: Page;
let trouble: string[];

beforeAll(async () => {
  if (reason !== undefined) return;
  target = await openTarget();
  browser = await launchChromium();
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  page = await context.newPage();
  page.setDefaultTimeout(EFFECT_TIMEOUT_MILLISECONDS);
  trouble = recordTrouble(page);
});

beforeEach((context) => context.skip(reason !== undefined, reason));

afterEach(() => {
  expect(trouble?.splice(0) ?? []).toEqual([]);
});

afterAll(async () => {
  await browser?.close();
  await target?.close();
});

const dialog = (): Locator => page.getByRole('dialog');
const goTo = (name: string): Promise<void> => page.getByRole('navigation').getByRole('link', { name }).click();
const siteRow = (): Locator => page.getByRole('row').filter({ hasText: SITE });
const ruleRow = (): Locator => page.getByRole('row').filter({ hasText: RULE });

async function publish(comment: string): Promise<void> {
  await page.getByRole('button', { name: 'Review and publish' }).click();
  await dialog().getByLabel('Comment').fill(comment);
  await dialog().getByRole('button', { name: 'Publish' }).click();
  await dialog()
    .getByText(/Revision \d+ is published/)
    .waitFor();
}

/** Every edge that is connected runs the revision of the open dialog. */
async function untilAppliedByAll(): Promise<void> {
  await dialog().locator('[data-application]').first().waitFor();
  const applied = await dialog().locator('[data-application]:not([data-application=offline])').count();
  expect(applied).toBeGreaterThan(0);
  await dialog()
    .getByText(new RegExp(`Applied by ${applied} of`))
    .waitFor();
  await dialog().getByRole('button', { name: 'Done' }).click();
}

describe('the console', () => {
  it('asks who is there, and goes on where the reader wanted to go', async () => {
    await page.goto(`${target.url}/tunnels`);
    await logIn(page, target.userName, target.password);
    await page.getByRole('heading', { name: 'Tunnels', exact: true }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/tunnels');
  });

  it('shows sites, tunnels that are up, and a rate per direction', async () => {
    await goTo('Topology');
    await page.locator('.w-node').nth(1).waitFor();
    const link = page.getByRole('button', { name: /^Tunnel .*: Up$/ });
    await link.first().waitFor();
    const rates = await page.locator('.w-link-rate').allTextContents();
    expect(rates.length).toBe(2 * (await link.count()));
    for (const rate of rates) expect(rate).toMatch(/^\s*[\d.,]+ [kMG]?b\/s$/);
    await link.first().click();
    const details = page.getByRole('complementary', { name: 'Details' });
    await details.getByText('0x').first().waitFor();
    expect(await details.getByText('Received').count()).toBe(2);
    await page.keyboard.press('Escape');
    await details.waitFor({ state: 'detached' });
  });

  it('keeps the sites in their places from poll to poll', async () => {
    const places = (): Promise<string[]> =>
      page.locator('.react-flow__node').evaluateAll((nodes) => nodes.map((node) => node.getAttribute('style') ?? ''));
    const before = await places();
    for (const list of ['/tunnels', '/sites']) {
      await page.waitForResponse((response) => new URL(response.url()).pathname.endsWith(list));
    }
    expect(await places()).toEqual(before);
  });

  it('adds a site, a network and an edge, and gives the enrollment line', async () => {
    await goTo('Sites & edges');
    await page.getByRole('button', { name: 'Add site' }).click();
    await dialog().getByLabel('Name').fill(SITE);
    await dialog().getByRole('button', { name: 'Add site' }).click();
    await siteRow().getByRole('button', { name: 'Add network' }).click();
    await dialog().getByLabel('Prefix').fill(PREFIX);
    await dialog().getByLabel('Name').fill('Test LAN');
    await dialog().getByRole('button', { name: 'Add network' }).click();
    await siteRow().getByText(PREFIX).waitFor();
    await siteRow().getByRole('button', { name: 'Add edge' }).click();
    await dialog().getByLabel('Underlay address').fill('198.18.255.7');
    await dialog().getByRole('button', { name: 'Add and enroll' }).click();
    await dialog()
      .getByText(/weft-edge enroll .*weft1\.[\w-]+\.[\w-]+/)
      .waitFor();
    await dialog()
      .getByText(/Good once, for another \d+:\d\d/)
      .waitFor();
    await dialog().getByText('Waiting for the edge').waitFor();
    await page.getByRole('button', { name: 'Close', exact: true }).last().click();
    await siteRow().getByText('Not enrolled').waitFor();
  });

  it('puts a refusal at the field it is about', async () => {
    await siteRow().getByRole('button', { name: 'Add network' }).click();
    await dialog().getByLabel('Prefix').fill('10.254.9.1/24');
    await dialog().getByLabel('Name').fill('Has host bits');
    await dialog().getByRole('button', { name: 'Add network' }).click();
    const refused = dialog().getByLabel('Prefix').and(page.locator('[aria-invalid=true]'));
    await refused.waitFor();
    await page.keyboard.press('Escape');
    const expected = trouble.splice(0).filter((each) => !/422|networks/.test(each));
    expect(expected).toEqual([]);
  });

  it('adds a rule, publishes it, and shows which edges run it', async () => {
    await goTo('Policies');
    await addRule(RULE);
    await ruleRow().getByText('TCP 23').waitFor();
    await page.getByRole('button', { name: 'Review and publish' }).click();
    await dialog()
      .getByText(/Rule “.*” added/)
      .first()
      .waitFor();
    await dialog().getByRole('button', { name: 'Cancel' }).click();
    await publish('Console test: discard telnet');
    await untilAppliedByAll();
  });

  it('shows what keeps a draft from being published, and publishes against it only with a reason', async () => {
    await addRule(IDLE_RULE);
    await page.getByRole('button', { name: 'See what is wrong' }).click();
    await dialog().locator('[data-finding=shadowed_rule]').getByText(IDLE_RULE).first().waitFor();
    expect(await dialog().getByRole('button', { name: 'publish' }).count()).toBe(0);
    await dialog().getByLabel('Publish although this fails').check();
    const override = dialog().getByRole('button', { name: 'Override and publish' });
    expect(await override.isDisabled()).toBe(true);
    await dialog().getByLabel('Reason').fill('It is only there for a test of the console.');
    await dialog().getByLabel('Comment').fill('Console test: overridden');
    await override.click();
    await dialog()
      .getByText(/Revision \d+ is published/)
      .waitFor();
    await untilAppliedByAll();
    await goTo('Revisions');
    const row = page.getByRole('row').filter({ hasText: 'Console test: overridden' });
    await row.getByText('proof overridden').waitFor();
    await page.getByText('It is only there for a test of the console.').waitFor();
  });

  it('brings an earlier revision back as a new one', async () => {
    await page.getByRole('row').filter({ hasText: 'Console test: discard telnet' }).click();
    await page.getByRole('button', { name: /^Restore revision \d+$/ }).click();
    await dialog().getByText('What it changes').waitFor();
    await dialog().getByRole('button', { name: 'Restore' }).click();
    await dialog().waitFor({ state: 'detached' });
    await page
      .getByText(/^restores \d+$/)
      .first()
      .waitFor();
    await goTo('Policies');
    await ruleRow().waitFor();
    // The page may show for a moment what it knew before.
    await page.getByText(IDLE_RULE).waitFor({ state: 'detached' });
  });

  it('has policy tests, and says which one a draft fails', async () => {
    await page.getByRole('button', { name: 'Add policy test' }).click();
    await dialog().getByLabel('Name').fill(POLICY_TEST);
    for (const side of ['Sources', 'Destinations']) {
      await dialog().getByRole('textbox', { name: side }).click();
      await page.getByRole('option', { name: 'any', exact: true }).and(page.locator(':visible')).click();
    }
    await dialog().getByLabel('Protocol of service 1').selectOption('tcp');
    await dialog().getByLabel('Ports of service 1').fill('22');
    await dialog().getByText('Must be denied', { exact: true }).click();
    await dialog().getByRole('button', { name: 'Add policy test' }).click();
    await dialog().waitFor({ state: 'detached' });
    const test = page.locator('[data-policy-test=fails]').filter({ hasText: POLICY_TEST });
    await test.getByText('Fails in the draft').waitFor();
    await page.getByRole('button', { name: 'See what is wrong' }).click();
    await dialog().locator('[data-finding=policy_test_failed]').getByText(POLICY_TEST).first().waitFor();
    await dialog().getByRole('button', { name: 'Close' }).last().click();
    await page.getByRole('button', { name: `Delete policy test ${POLICY_TEST}` }).click();
    await dialog().getByRole('button', { name: 'Delete policy test' }).click();
    await page.locator('[data-policy-test]').filter({ hasText: POLICY_TEST }).waitFor({ state: 'detached' });
  });

  it('moves a rule with the keyboard', async () => {
    const names = (): Promise<string[]> =>
      page.locator('.w-policy').first().locator('tr[data-rule] .w-strong').allTextContents();
    const before = await names();
    expect(before.at(-1)).toBe(RULE);
    await ruleRow().focus();
    await page.keyboard.press('Alt+ArrowUp');
    await expect.poll(names).toEqual([...before.slice(0, -2), RULE, ...before.slice(-2, -1)]);
  });

  it('lists tunnels with their counters, and opens one to its rates', async () => {
    await goTo('Tunnels');
    const row = page.locator('tr[data-tunnel]').first();
    await row.getByText('Up').waitFor();
    expect(await row.textContent()).toMatch(/packets[\s\S]*0x[\da-f]{8}/);
    await row.getByText('X25519 + ML-KEM-768').waitFor();
    await row.getByText('post-quantum').waitFor();
    await row.press('Enter');
    await page.locator('.w-chart canvas').waitFor();
    await page
      .getByText(/\d+ path MTU − \d+ IP − 8 UDP − \d+ ESP/)
      .nth(1)
      .waitFor();
    await page.getByPlaceholder('Filter by site').fill('no tunnel has this name');
    await page.getByText('No tunnel matches').waitFor();
  });

  it('adds a user with a role, gives them another, and removes them', async () => {
    await goTo('Access');
    await page.getByRole('button', { name: 'Add user' }).click();
    await dialog().getByLabel('Name').fill(USER);
    await dialog().getByLabel('Password', { exact: true }).fill('a password of the console test');
    await dialog().getByLabel('Role', { exact: true }).selectOption('viewer');
    await dialog().getByRole('button', { name: 'Add user' }).click();
    await dialog().waitFor({ state: 'detached' });
    const row = page.locator(`[data-user="${USER}"]`);
    await row.getByText('viewer', { exact: true }).waitFor();
    await chooseForUser('Change role');
    await dialog().getByLabel('Role', { exact: true }).selectOption('approver');
    await dialog().getByRole('button', { name: 'Save' }).click();
    await row.getByText('approver', { exact: true }).waitFor();
    await chooseForUser('Delete user');
    await dialog().getByRole('button', { name: 'Delete user' }).click();
    await row.waitFor({ state: 'detached' });
  });

  it('makes an API token, shows it once, and revokes it', async () => {
    await page.getByRole('button', { name: 'Make API token' }).click();
    await dialog().getByLabel('Name').fill(API_TOKEN);
    await dialog().getByLabel('Days that it is good for').fill('1');
    await dialog().getByRole('button', { name: 'Make API token' }).click();
    const token = await dialog()
      .getByText(/^weft_[0-9a-f]{72}$/)
      .textContent();
    const authorization = `Bearer ${token}`;
    const asked = (): Promise<number> =>
      fetch(`${target.url}/api/v1/session`, { headers: { authorization } }).then(({ status }) => status);
    expect(await asked()).toBe(200);
    await dialog().getByRole('button', { name: 'Done' }).click();
    const row = page.locator(`[data-api-token="${API_TOKEN}"]`);
    await row.waitFor();
    expect(await page.content()).not.toContain(token);
    await row.getByRole('button', { name: 'Revoke' }).click();
    await dialog().getByRole('button', { name: 'Revoke API token' }).click();
    await row.waitFor({ state: 'detached' });
    expect(await asked()).toBe(401);
  });

  it('sets up a second factor, asks for its code at login, and removes it', async () => {
    await page.getByRole('button', { name: 'Set up second factor' }).click();
    await dialog().getByLabel('Current password', { exact: true }).fill(target.password);
    await dialog().getByRole('button', { name: 'Continue' }).click();
    const secret = await dialog()
      .getByText(/^[A-Z2-7]{32}$/)
      .textContent();
    await dialog().getByText(`otpauth://totp/Weft:${target.userName}?secret=${secret}`).waitFor();
    await dialog()
      .getByLabel('Code')
      .fill(codeOf(secret ?? ''));
    await dialog().getByRole('button', { name: 'Confirm' }).click();
    const codes = dialog().getByText(/^[a-z2-7]{4}(?:-[a-z2-7]{4}){3}$/);
    await codes.nth(9).waitFor();
    const [first = '', second = ''] = await codes.allTextContents();
    await dialog().getByRole('button', { name: 'I have kept them' }).click();
    await page.locator('[data-second-factor=present]').getByText('10 recovery codes left').waitFor();
    await page.getByRole('button', { name: target.userName, exact: true }).click();
    await page.getByRole('menuitem', { name: 'Log out' }).click();
    await logIn(page, target.userName, target.password);
    await page.getByLabel('Code').fill(first);
    await page.getByRole('button', { name: 'Log in' }).click();
    await goTo('Access');
    await page.locator('[data-second-factor=present]').getByText('9 recovery codes left').waitFor();
    await page.getByRole('button', { name: 'Remove second factor' }).click();
    await dialog().getByLabel('Current password', { exact: true }).fill(target.password);
    await dialog().getByLabel('Code').fill(second);
    await dialog().getByRole('button', { name: 'Remove', exact: true }).click();
    await page.locator('[data-second-factor=absent]').waitFor();
  });

  it('shows where the user is logged in, and ends another session', async () => {
    const answer = await fetch(`${target.url}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': API_TOKEN },
      body: JSON.stringify({ userName: target.userName, password: target.password }),
    });
    const cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const other = page.locator('[data-own-session=other]').filter({ hasText: API_TOKEN });
    await other.getByRole('button', { name: 'End' }).click();
    await other.waitFor({ state: 'detached' });
    await page.locator('[data-own-session=current]').waitFor();
    const { status } = await fetch(`${target.url}/api/v1/session`, { headers: { cookie } });
    expect(status).toBe(401);
  });

  it('says how old its data is while the controller does not answer, and recovers by itself', async () => {
    await goTo('Topology');
    await page.locator('.w-node').first().waitFor();
    await page.route('**/api/**', (route) => route.abort('connectionrefused'));
    await page.getByText('The controller does not answer.').waitFor();
    await page.getByText(/Showing data from \d+ s ago/).waitFor();
    expect(await page.locator('.w-node').count()).toBeGreaterThan(1);
    await page.unroute('**/api/**');
    await page.getByText('The controller does not answer.').waitFor({ state: 'detached' });
    const unexpected = trouble.splice(0).filter((each) => !each.includes('ERR_CONNECTION_REFUSED'));
    expect(unexpected).toEqual([]);
  });

  it('removes what it made, publishes that, and logs out', async () => {
    await goTo('Policies');
    await ruleRow()
      .getByRole('button', { name: /^Actions for rule/ })
      .click();
    await page.getByRole('menuitem', { name: 'Delete rule' }).click();
    await dialog().getByRole('button', { name: 'Delete rule' }).click();
    await ruleRow().waitFor({ state: 'detached' });
    await goTo('Sites & edges');
    for (const thing of ['edge', 'network', 'site'] as const) await remove(thing);
    await siteRow().waitFor({ state: 'detached' });
    await publish('Console test: as before');
    await untilAppliedByAll();
    await goTo('Revisions');
    await page.getByText('Console test: as before').first().waitFor();
    await page.getByRole('button', { name: target.userName }).click();
    await page.getByRole('menuitem', { name: 'Log out' }).click();
    await page.getByLabel('User name').waitFor();
  });
});

/** Discards telnet from anywhere to anywhere, behind the other rules. */
async function addRule(name: string): Promise<void> {
  await page.getByRole('button', { name: 'Add rule' }).first().click();
  await dialog().getByLabel('Name', { exact: true }).fill(name);
  for (const side of ['Sources', 'Destinations']) {
    await dialog().getByRole('textbox', { name: side }).click();
    await page.getByRole('option', { name: 'any', exact: true }).and(page.locator(':visible')).click();
  }
  await dialog().getByLabel('Protocol of service 1').selectOption('tcp');
  await dialog().getByLabel('Ports of service 1').fill('23');
  await dialog().getByText('Discard', { exact: true }).click();
  await dialog().getByRole('button', { name: 'Add rule' }).click();
  await dialog().waitFor({ state: 'detached' });
}

async function remove(thing: 'edge' | 'network' | 'site'): Promise<void> {
  if (thing === 'network') {
    await siteRow()
      .getByRole('button', { name: `Delete network ${PREFIX}` })
      .focus();
    await page.keyboard.press('Enter');
  } else {
    await siteRow()
      .getByRole('button', { name: `Actions for ${SITE}` })
      .click();
    await page.getByRole('menuitem', { name: `Delete ${thing}` }).click();
  }
  await dialog()
    .getByRole('button', { name: `Delete ${thing}` })
    .click();
  await dialog().waitFor({ state: 'detached' });
}

async function chooseForUser(action: string): Promise<void> {
  await page.getByRole('button', { name: `Actions for ${USER}` }).click();
  await page.getByRole('menuitem', { name: action }).click();
}

/** What an authenticator shows next (RFC 6238), which is good for a minute at least. The secret is in base 32. */
function codeOf(secret: string): string {
  const bits = [...secret].map((symbol) => BASE_32.indexOf(symbol).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((octet) => Number.parseInt(octet, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + 1));
  const digest = createHmac('sha1', key).update(step).digest();
  const value = digest.readUInt32BE((digest.at(-1) ?? 0) & 0x0f) & 0x7fffffff;
  return String(value % 1_000_000).padStart(6, '0');
}

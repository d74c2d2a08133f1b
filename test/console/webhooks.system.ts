import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TEST_ADMIN_PASSWORD, TestController, TestPostgres } from '@weft/controller/test-controller';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebhookReceiver } from '../../apps/controller/test/rest/support/webhook-receiver.js';
import { launchChromium, recordTrouble, whyNoChromium } from './chromium.js';
import { logIn } from './log-in.js';

/** A webhook from its making to its end, as an admin sees it, with somebody who receives. */
const CONSOLE = fileURLToPath(new URL('../../apps/web-console/dist/index.html', import.meta.url));
const reason =
  whyNoChromium() ?? (existsSync(CONSOLE) ? undefined : 'not built (npm run build): apps/web-console/dist/index.html');
/** Longest wait for a page. */
const PAGE_TIMEOUT_MILLISECONDS = 60_000;

let postgres: TestPostgres;
let controller: TestController;
let receiver: WebhookReceiver;
let browser: Browser;
let page: Page;
let trouble: string[];
let secret: string;

beforeAll(async () => {
  if (reason !== undefined) return;
  postgres = await TestPostgres.start();
  controller = await TestController.start({
    databaseUrl: await postgres.createDatabase(),
    environment: { WEFT_WEBHOOK_NETWORKS: '127.0.0.0/8' },
  });
  receiver = await WebhookReceiver.start();
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
  await receiver?.stop();
  await controller?.stop();
  await postgres?.remove();
});

const dialog = (): Locator => page.getByRole('dialog');
const press = (name: string): Promise<void> =>
  page.getByRole('main').getByRole('button', { name, exact: true }).click();
const deliveries = (): Locator => page.locator('[data-delivery]');

/** The secret that is shown now, and not any more afterwards. */
async function takeSecret(): Promise<string> {
  const line = dialog().locator('.w-copy-line code');
  const text = (await line.textContent()) ?? '';
  await dialog().getByRole('button', { name: 'Done' }).click();
  await line.waitFor({ state: 'detached' });
  expect(await page.content()).not.toContain(text);
  return text;
}

async function renewSecret(overlapHours: string): Promise<string> {
  await page.getByRole('button', { name: 'More actions for chat' }).click();
  await page.getByRole('menuitem', { name: 'Renew secret' }).click();
  await dialog().getByLabel('Hours for which').fill(overlapHours);
  await dialog().getByRole('button', { name: 'Renew secret' }).click();
  return takeSecret();
}

/** Has a test delivered, and gives what arrived. */
async function sendTest(): Promise<(typeof receiver.received)[number] | undefined> {
  const before = receiver.received.length;
  await press('Send a test');
  await receiver.until(before + 1);
  return receiver.received[before];
}

describe('webhooks in the console', () => {
  it('are made by an admin, who sees the secret once', async () => {
    await page.goto(`${controller.url}/webhooks`);
    await logIn(page, 'admin', TEST_ADMIN_PASSWORD);
    await page.getByRole('heading', { name: 'No webhooks yet' }).waitFor();
    await press('Add webhook');
    await dialog().getByLabel('Name').fill('chat');
    await dialog().getByLabel('URL').fill(`${receiver.url}/hook`);
    await dialog().getByRole('combobox', { name: 'Events' }).fill('publ');
    await page.getByRole('option', { name: 'Revision published' }).click();
    // What is chosen from covers the button below it.
    await dialog().getByLabel('Name').click();
    await dialog().getByRole('button', { name: 'Add webhook' }).click();
    secret = await takeSecret();
    expect(secret).toMatch(/^whsec_/);
    const row = page.locator('[data-webhook="chat"]');
    await row.getByText('On', { exact: true }).waitFor();
    await row.getByText('Revision published').waitFor();
    await row.getByRole('link', { name: 'chat' }).click();
    await page.getByText('Nothing was delivered yet').waitFor();
  });

  it('are tried, and say what came of it', async () => {
    expect((await sendTest())?.isSignedWith(secret)).toBe(true);
    await deliveries().first().getByText('Delivered').waitFor();
    await deliveries().first().getByText('HTTP 204').waitFor();
    receiver.next.push(503);
    await sendTest();
    await deliveries().first().getByText('HTTP 503').or(deliveries().first().getByText('HTTP 204')).first().waitFor();
    await page.locator('[data-status="delivered"]').nth(1).waitFor();
    const before = receiver.received.length;
    await deliveries().last().getByRole('button', { name: 'Deliver Test again' }).click();
    await receiver.until(before + 1);
    expect(receiver.received[before]?.id).toBe(receiver.received[0]?.id);
  });

  it('are signed with both secrets after a renewal, or with the new one alone', async () => {
    const next = await renewSecret('24');
    await page.getByText('both secrets').waitFor();
    const both = await sendTest();
    expect([both?.isSignedWith(secret), both?.isSignedWith(next)]).toEqual([true, true]);
    const last = await renewSecret('0');
    await page.getByText('its secret', { exact: true }).waitFor();
    const alone = await sendTest();
    expect([both?.isSignedWith(next), alone?.isSignedWith(next), alone?.isSignedWith(last)]).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('are paused and go on', async () => {
    await press('Pause');
    await page.getByText('Paused', { exact: true }).waitFor();
    expect(await page.getByRole('button', { name: 'Send a test' }).count()).toBe(0);
    await press('Resume');
    await page.getByText('On', { exact: true }).waitFor();
  });

  it('that the controller has disabled say why', async () => {
    receiver.next.push(410);
    await sendTest();
    await page.getByText('the receiver answered 410 Gone').waitFor();
    await deliveries().first().getByText('Given up').waitFor();
    await press('Resume');
    await page.getByText('the receiver answered 410 Gone').waitFor({ state: 'detached' });
  });

  it('are changed and deleted', async () => {
    await press('Edit');
    await dialog().getByLabel('Name').fill('room');
    await dialog().getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'room', exact: true }).waitFor();
    await page.getByRole('button', { name: 'More actions for room' }).click();
    await page.getByRole('menuitem', { name: 'Delete webhook' }).click();
    await dialog().getByRole('button', { name: 'Delete webhook' }).click();
    await page.getByRole('heading', { name: 'No webhooks yet' }).waitFor();
  });
});

import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  OpenIdProvider,
  TEST_ADMIN_PASSWORD,
  TestController,
  TestPostgres,
  temporaryDirectory,
} from '@weft/controller/test-controller';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium, recordTrouble, whyNoChromium } from './chromium.js';
import { logIn } from './log-in.js';

/** Logs in at an OpenID provider as a reader would: a real browser, a real controller, a provider on an origin of its own. */
const CONSOLE = fileURLToPath(new URL('../../apps/web-console/dist/index.html', import.meta.url));
const reason =
  whyNoChromium() ?? (existsSync(CONSOLE) ? undefined : 'not built (npm run build): apps/web-console/dist/index.html');
/** Longest wait for a page. */
const PAGE_TIMEOUT_MILLISECONDS = 60_000;

let provider: OpenIdProvider;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let postgres: TestPostgres;
let controller: TestController;
let front: Server;
let url: string;
let browser: Browser;
let page: Page;
let trouble: string[];

beforeAll(async () => {
  if (reason !== undefined) return;
  provider = await OpenIdProvider.start();
  directory = await temporaryDirectory('oidc-login');
  const secretFile = join(directory.path, 'secret');
  await writeFile(secretFile, provider.clientSecret);
  // The address that browsers use is known before the controller is there, as it is with a proxy.
  front = await openFront(() => controller.addresses.http);
  url = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
  postgres = await TestPostgres.start();
  controller = await TestController.start({
    databaseUrl: await postgres.createDatabase(),
    environment: {
      WEFT_OIDC_ISSUER: provider.issuer,
      WEFT_OIDC_CLIENT_ID: provider.clientId,
      WEFT_OIDC_CLIENT_SECRET_FILE: secretFile,
      WEFT_OIDC_REDIRECT_URI: `${url}/api/v1/session/oidc/callback`,
      WEFT_OIDC_DISPLAY_NAME: 'Example ID',
      WEFT_OIDC_ROLES: 'net-admin=admin@default',
    },
  });
  browser = await launchChromium();
});

beforeEach(async (context) => {
  context.skip(reason !== undefined, reason);
  const own = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  page = await own.newPage();
  page.setDefaultTimeout(PAGE_TIMEOUT_MILLISECONDS);
  trouble = recordTrouble(page);
});

afterEach(async () => {
  if (reason !== undefined) return;
  await page.context().close();
  expect(trouble).toEqual([]);
});

afterAll(async () => {
  await browser?.close();
  await controller?.stop();
  await postgres?.remove();
  front?.close();
  front?.closeAllConnections();
  await provider?.stop();
  await directory?.remove();
});

const signIn = (): Promise<void> => page.getByRole('link', { name: 'Sign in with Example ID' }).click();

describe('the login page, with an OpenID provider', () => {
  it('leads there and back to where the reader wanted to go, and neither Access nor Members offers what is for the provider to change', async () => {
    provider.person = { sub: '1', preferred_username: 'grace', groups: ['net-admin'] };
    await page.goto(`${url}/access`);
    await signIn();
    await page.getByRole('heading', { name: 'Access' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/access');
    await page.getByText('You are grace, admin of this tenant').waitFor();
    const row = page.locator('[data-user=grace]');
    await row.getByText('at the provider').waitFor();
    expect(await page.getByRole('button', { name: 'Change password' }).count()).toBe(0);
    await row.getByRole('button', { name: 'Actions for grace' }).click();
    await page.getByRole('menuitem', { name: 'Delete user' }).waitFor();
    expect(await page.getByRole('menuitem').count()).toBe(1);
    await page.keyboard.press('Escape');
    await page.getByRole('navigation').getByRole('link', { name: 'Members' }).click();
    const member = page.locator('[data-member=grace]');
    await member.getByText('by the provider').waitFor();
    await member.getByRole('button', { name: 'Actions for grace' }).click();
    await page.getByRole('menuitem', { name: 'Remove member' }).waitFor();
    expect(await page.getByRole('menuitem', { name: 'Change role' }).count()).toBe(0);
    const [cookie, ...others] = await page.context().cookies();
    expect(cookie).toMatchObject({ name: 'weft_session', httpOnly: true, sameSite: 'Strict' });
    expect(others).toEqual([]);
  });

  it('says why nobody came in, and lets the reader try again', async () => {
    provider.person = { sub: '2', preferred_username: 'stranger', groups: [] };
    await page.goto(`${url}/tunnels`);
    await signIn();
    await page.getByText('You are known, and you have no role here').waitFor();
    provider.person = { sub: '2', preferred_username: 'stranger', groups: ['net-admin'] };
    await signIn();
    await page.getByRole('heading', { name: 'Tunnels', exact: true }).waitFor();
  });

  it('says that an answer is not to be trusted, and takes passwords all the same', async () => {
    provider.misbehaviour = { token: (claims, signed) => signed({ ...claims, aud: 'another client' }) };
    await page.goto(url);
    await signIn();
    await page.getByText('The answer of Example ID is not to be trusted').waitFor();
    await logIn(page, 'admin', TEST_ADMIN_PASSWORD);
    await page.getByRole('navigation').getByRole('link', { name: 'Access' }).waitFor();
  });
});

/** Passes everything on to where the controller is. */
async function openFront(target: () => string): Promise<Server> {
  const server = createServer((incoming, outgoing) => {
    const { method, url: path, headers } = incoming;
    const onward = request(`http://${target()}${path}`, { method: method ?? 'GET', headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

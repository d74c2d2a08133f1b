import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { AddressPool, ExternalPeer } from '@weft/contracts/rest';
import { answerOf, edgeCommand, type Lab, publish, siteNamed, startLab, waitUntil } from '@weft/lab';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { installations } from '../interop/installations.js';
import { LabStrongswan } from './support/lab-strongswan.js';
import { whyNoLab } from './support/why-no-lab.js';

/**
 * A notebook with strongSwan, configured by nothing but the snippet that the API gives for it and the key, calls the edge of berlin, is
 * assigned an address of each pool there, and reaches hosts of three sites, of which tokyo is IPv6 inside:
 *
 *   10.1.0.10 [ host ] --- [ edge of berlin ] ~~~ internet ~~~ [ strongSwan ] 10.99.0.1, fd5e:8a10:3c71:99::1
 *   10.2.0.10 [ host ] --- [ edge of paris ]  ~~~~~~'    '
 *   fd5e:8a10:3c71:3::10 [ host ] --- [ edge of tokyo ] ~'
 */
const [strongswan] = installations();
const reason =
  whyNoLab() ??
  (process.getuid?.() !== 0 ? 'needs root: strongSwan does not run in a user namespace' : undefined) ??
  (strongswan === undefined ? 'needs strongSwan: npm test unpacks it on Debian and Ubuntu' : undefined);

const KEY = 'correct horse battery staple';
const ADDRESS = '10.99.0.1';
const ADDRESS6 = 'fd5e:8a10:3c71:99::1';
/** By site: a host there, and what the notebook has in the same IP version. */
const PAIRS = [
  ['berlin', '10.1.0.10', ADDRESS],
  ['paris', '10.2.0.10', ADDRESS],
  ['tokyo', 'fd5e:8a10:3c71:3::10', ADDRESS6],
] as const;

let lab: Lab;
let notebook: LabStrongswan;
let host: ExternalPeer;
const directory = mkdtempSync(path.join(tmpdir(), 'weft-remote-host-'));

beforeAll(async () => {
  if (reason !== undefined || strongswan === undefined) return;
  lab = await startLab({ port: 0 });
  host = await describeHost();
  notebook = new LabStrongswan(lab, strongswan, directory);
  await publish(lab.api, 'A notebook');
  // Until then no edge knows that the pool is protected, and what a host sends there goes where it went before.
  await lab.waitForFabric();
});

beforeEach((context) => context.skip(reason !== undefined, reason));

afterAll(async () => {
  await lab?.close();
  rmSync(directory, { recursive: true });
});

it('is waited for as long as it does not call, and is not down', async () => {
  expect(host.assigned).toMatchObject([{ address: ADDRESS }, { address: ADDRESS6 }]);
  const tunnel = await untilTunnel('waiting');
  expect(tunnel.externalPeer).toMatchObject({ name: 'Notebook', address: null, port: null });
});

it('calls the edge, has its addresses of the pools and no others, and is told of the name server', async () => {
  const { client, tenantId } = lab.api;
  const shown = await client.GET('/api/v1/tenants/{tenantId}/external-peers/{externalPeerId}/snippet', {
    params: { path: { tenantId, externalPeerId: host.id } },
  });
  notebook.configure(answerOf(shown, 'Read the snippet'), KEY);
  await notebook.start();
  await untilTunnel('up');
  expect(await notebook.swanctl('--list-sas')).toContain(`[${ADDRESS} ${ADDRESS6}]`);
  const addresses = await lab.execute(lab.topology.controllerNamespace, 'ip', ['-o', 'address']);
  expect(addresses.stdout.match(/10\.99\.\d+\.\d+|fd5e:\S+:99:[^/]+/g)).toEqual([ADDRESS, ADDRESS6]);
  expect(readFileSync(`${directory}/resolv.conf`, 'utf8')).toContain('nameserver 10.1.0.53');
});

it('reaches a host of the site of the pools, and through it those of other sites, and is reached by all', async () => {
  for (const [site, target, address] of PAIRS) {
    await untilAnswered(lab.topology.controllerNamespace, ['-I', address, target]);
    await untilAnswered(siteNamed(lab.topology, site).hostNamespace, [address]);
  }
});

it('has nothing of it in the clear, not even what is for an address of the pool that nobody has', async () => {
  for (const site of ['berlin', 'paris']) {
    const { hostNamespace } = siteNamed(lab.topology, site);
    const { code } = await lab.execute(hostNamespace, 'ping', ['-n', '-c', '1', '-W', '1', '10.99.0.77']);
    expect(code).not.toBe(0);
  }
  expect(await lab.captureCounts()).toMatchObject({ cleartextPackets: 0 });
  const { stdout } = await lab.execute(...edgeCommand(siteNamed(lab.topology, 'berlin'), 'ike'));
  expect(stdout).not.toContain(KEY);
});

it('is waited for again when it has gone', async () => {
  expect(await notebook.execute('--terminate', '--ike', 'weft-notebook', '--force')).toMatchObject({ code: 0 });
  expect(await notebook.execute('--unload-conn', '--name', 'weft-notebook')).toBeDefined();
  await untilTunnel('waiting');
});

/** The pool, the host and a rule about both, in the draft. */
async function describeHost(): Promise<ExternalPeer> {
  const { client, tenantId } = lab.api;
  const siteId = lab.fabric.siteIds.get('berlin') ?? '';
  const params = { path: { tenantId } };
  const pool = async (name: string, prefix: string, nameServers: string[]): Promise<AddressPool> => {
    const poolBody = { name, description: '', siteId, prefix, nameServers, domains: [] };
    const answer = await client.POST('/api/v1/tenants/{tenantId}/address-pools', { params, body: poolBody });
    return answerOf(answer, 'Make a pool');
  };
  const pools = [
    await pool('notebooks', '10.99.0.0/24', ['10.1.0.53']),
    await pool('notebooks, IPv6', 'fd5e:8a10:3c71:99::/64', []),
  ];
  const body = {
    name: 'Notebook',
    description: '',
    siteId,
    identity: 'notebook.example',
    localIdentity: 'berlin.example',
    preSharedKey: KEY,
    assigned: pools.map(({ id }) => ({ addressPoolId: id })),
  };
  const made = await client.POST('/api/v1/tenants/{tenantId}/external-peers', { params, body: body as never });
  const rules = [
    {
      name: 'notebooks',
      action: 'PROTECT' as const,
      enabled: true,
      sources: pools.map(({ id }) => ({ kind: 'address_pool' as const, addressPoolId: id })),
      destinations: PAIRS.map(([site]) => ({
        kind: 'site' as const,
        siteId: lab.fabric.siteIds.get(site) ?? '',
      })),
      services: [{ protocol: 'any' as const, ports: [] }],
    },
  ];
  const policy = { name: 'remote access', description: '', enabled: true, rules };
  answerOf(await client.POST('/api/v1/tenants/{tenantId}/policies', { params, body: policy }), 'Allow the notebooks');
  return answerOf(made, 'Describe the host');
}

async function untilTunnel(state: string) {
  return waitUntil(`The tunnel is ${state}`, TIMEOUT_MILLISECONDS, async () => {
    const found = (await lab.api.tunnels()).find(({ externalPeer }) => externalPeer !== null);
    return found?.state === state ? { value: found } : { problem: `${found?.state}: ${found?.reason}` };
  });
}

async function untilAnswered(namespace: string, target: readonly string[]): Promise<void> {
  await waitUntil(`${target.join(' ')} answers`, TIMEOUT_MILLISECONDS, async () => {
    const { code, stdout } = await lab.execute(namespace, 'ping', ['-n', '-c', '1', '-W', '2', ...target]);
    return code === 0 ? { value: undefined } : { problem: stdout };
  });
}

const TIMEOUT_MILLISECONDS = 120_000;

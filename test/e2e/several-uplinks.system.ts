import { answerOf, type Lab, publish, siteNamed, startLab, waitForFabric, waitUntil } from '@weft/lab';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { whyNoLab } from './support/why-no-lab.js';

/**
 * From the uplinks of an edge, as people write them, to the event that says which one is in force: each edge of the lab has IPv4 and IPv6 on
 * the underlay, and the router comes to drop one of them between two edges, without a word.
 */
const reason = whyNoLab();
const ENDS = ['berlin', 'paris'] as const;
let lab: Lab;

beforeAll(async () => {
  if (reason !== undefined) return;
  lab = await startLab({ port: 0 });
});

beforeEach((context) => context.skip(reason !== undefined, reason));

afterAll(async () => {
  await lab?.close();
});

it('an edge leaves an uplink that drops everything for the other one that the controller gave it, and says so', async () => {
  await nft('add table inet watch; add chain inet watch through { type filter hook forward priority 0; }');
  await nft('add counter inet watch clear; add rule inet watch through ip saddr 10.0.0.0/8 counter name clear');
  for (const name of ENDS) await giveUplink(name, siteNamed(lab.topology, name).uplink.address6);
  await publish(lab.api, 'Two uplinks each');
  await waitForFabric(lab.api, lab.topology.sites.length, PATIENCE_MILLISECONDS);
  expect(await echoes()).toBe(true);
  const preferred = ENDS.map((name) => siteNamed(lab.topology, name).uplink.address);
  await untilMetAt(preferred);

  const among = `{ ${preferred.join(', ')} }`;
  await nft(`add rule inet watch through ip saddr ${among} ip daddr ${among} drop`);
  await waitUntil('Packets go by IPv6', PATIENCE_MILLISECONDS, async () =>
    (await echoes()) ? { value: undefined } : { problem: 'no echo comes back' },
  );
  const others = ENDS.map((name) => siteNamed(lab.topology, name).uplink.address6);
  await untilMetAt(others);
  const details = await moves('path_silent');
  for (const address of others)
    expect(
      details.some((detail) => detail.includes(address)),
      details.join(),
    ).toBe(true);
  expect(await nft('list counter inet watch clear')).toContain('packets 0 ');
});

async function giveUplink(name: string, address: string): Promise<void> {
  const path = { tenantId: lab.api.tenantId, edgeId: lab.fabric.edgeIds.get(name) ?? '' };
  const body = { otherUnderlayAddresses: [address] };
  const answer = await lab.api.client.PATCH('/api/v1/tenants/{tenantId}/edges/{edgeId}', { params: { path }, body });
  expect(answerOf(answer, `Give ${name} another uplink`).otherUnderlayAddresses).toEqual([address]);
}

/** Whether a host of the one site gets an echo from one of the other. */
async function echoes(): Promise<boolean> {
  const [from, to] = ENDS.map((name) => siteNamed(lab.topology, name));
  const destination = to?.networks.find(({ family }) => family === 4)?.hostAddress ?? '';
  const { code } = await lab.execute(from?.hostNamespace ?? '', 'ping', [
    '-n',
    '-q',
    '-c',
    '1',
    '-W',
    '1',
    destination,
  ]);
  return code === 0;
}

/** The two ends of their tunnel meet each other there, as they tell the controller. */
async function untilMetAt(addresses: readonly string[]): Promise<void> {
  await waitUntil(`The ends meet at ${addresses.join(' and ')}`, PATIENCE_MILLISECONDS, async () => {
    const now = await metAt();
    return now.join() === addresses.toSorted().join()
      ? { value: undefined }
      : { problem: `They meet at ${now.join(' and ')}.` };
  });
}

async function metAt(): Promise<readonly string[]> {
  const tunnels = await lab.api.tunnels();
  const tunnel = tunnels.find(({ edges }) =>
    edges.every(({ siteName }) => (ENDS as readonly string[]).includes(siteName)),
  );
  return (tunnel?.edges ?? []).flatMap(({ observedPeer }) => observedPeer?.address ?? []).sort();
}

/** What the events say of paths that tunnels were moved to by this cause. */
async function moves(cause: string): Promise<readonly string[]> {
  const params = { path: { tenantId: lab.api.tenantId }, query: { kind: 'path_changed' as const } };
  return waitUntil('The move is told', PATIENCE_MILLISECONDS, async () => {
    const { items } = answerOf(
      await lab.api.client.GET('/api/v1/tenants/{tenantId}/events', { params }),
      'List events',
    );
    const told = items.filter((item) => item.cause === cause && item.tunnelId !== null);
    return told.length > 0
      ? { value: told.map(({ detail }) => detail ?? '') }
      : { problem: `${items.length} other moves: ${items.map((item) => item.cause).join()}` };
  });
}

async function nft(command: string): Promise<string> {
  const { code, stdout, stderr } = await lab.execute(lab.topology.routerNamespace, 'nft', [command]);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

const PATIENCE_MILLISECONDS = 120_000;

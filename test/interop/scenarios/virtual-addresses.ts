import { ip, PEER, POOL, US } from '../network.js';
import type { Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';
import { ping } from '../traffic/traffic.js';
import { OURS, swanctlConf } from './common.js';
import { replaceChild, replaceIke } from './rekey-steps.js';

/** Addresses that one end assigns to the other in IKE_AUTH (RFC 7296 section 3.15): to who initiates, so each has one end. */
export const virtualAddressScenarios: readonly Scenario[] = [
  {
    group: 'virtual address',
    name: 'the peer assigns one to us, and a name server',
    initiators: ['us'],
    ours: { ...OURS, virtualAddress: { kind: 'client' }, localTs: [POOL.prefix] },
    theirs: swanctlConf({
      connection: 'pools = hosts',
      remoteTs: 'dynamic',
      pools: `pools { hosts { addrs = ${POOL.first}-${POOL.last}\n dns = ${PEER.host} } }`,
    }),
    expect: 'nothing sent',
    log: [/assigning virtual IP 10\.66\.0\.10 to peer/],
    afterwards: withOurAddress,
  },
  {
    group: 'virtual address',
    name: 'we assign one to the peer, and a name server',
    initiators: ['peer'],
    ours: {
      ...OURS,
      virtualAddress: { kind: 'server', first: POOL.first, last: POOL.last, dns: US.host },
      remoteTs: [POOL.prefix],
    },
    theirs: swanctlConf({ connection: 'vips = 0.0.0.0', localTs: 'dynamic' }),
    expect: 'nothing sent',
    log: [/installing new virtual IP 10\.66\.0\.10/],
    afterwards: withTheirAddress,
  },
];

/** As a host does: the address is ours while the IKE SA stands, through all rekeys of it. */
async function withOurAddress(stage: Stage): Promise<void> {
  const { addresses, dns } = await stage.edge.event(['configured'], 0);
  const [address, server] = [dotted(addresses[0]), dotted(dns[0])];
  if (address !== POOL.first) throw new Error(`we got the address ${address}`);
  if (server !== PEER.host) throw new Error(`we got the name server ${server}`);
  ip(US.namespace, `address add ${address}/32 dev lo`);
  try {
    await throughRekeys(stage, address, PEER.host);
  } finally {
    ip(US.namespace, `address del ${address}/32 dev lo`);
  }
}

function withTheirAddress(stage: Stage): Promise<void> {
  return throughRekeys(stage, US.host, POOL.first);
}

async function throughRekeys(stage: Stage, ours: string, theirs: string): Promise<void> {
  await carries(stage, ours, theirs);
  await replaceChild(stage, 'us');
  await replaceIke(stage, 'peer');
  await replaceChild(stage, 'peer');
  await carries(stage, ours, theirs);
}

async function carries({ ends: { us, peer } }: Stage, ours: string, theirs: string): Promise<void> {
  await ping(us.at(ours), theirs);
  await ping(peer.at(theirs), ours);
  if (!(await us.stream(theirs, STREAM_OCTETS, ours))) throw new Error(`TCP to ${theirs} came back different`);
}

/** Octets travel from the edge process as hexadecimal. */
function dotted(octets: unknown): string {
  return [...Buffer.from(String(octets), 'hex')].join('.');
}

const STREAM_OCTETS = 65_536;

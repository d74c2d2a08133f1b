import { ip, PEER, ROUTER, US, within } from '../network.js';
import type { Conditions, Initiator, Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';
import { exchangeTraffic } from '../traffic/traffic.js';
import { OURS, swanctlConf } from './common.js';

const MOBILE = { ...OURS, mobike: true, livenessInterval: 1000 };
const THEIRS = 'mobike = yes\n dpd_delay = 1s';

/** Addresses may be added and taken away, and are what they were when the scenario is over. */
const addresses: Conditions = {
  async set() {
    // Without it the kernel takes the second address away with the first.
    for (const { namespace } of [US, PEER]) {
      await within(namespace, 'sysctl', ['-qw', 'net.ipv4.conf.all.promote_secondaries=1']);
    }
  },
  async unset({ edge }) {
    for (const end of [US, PEER]) {
      replaceAddress(end.namespace, end.second, end.underlay);
      ip(end.namespace, `route replace default via ${end === US ? ROUTER.toUs : ROUTER.toPeer}`);
    }
    await edge.command(`move ${US.underlay}`);
  },
};

/** The router lets UDP through and no ESP of its own. */
const noProtocol50: Conditions = {
  async set() {
    await nft(`add table ip noesp
      add chain ip noesp passing { type filter hook forward priority 0; }
      add rule ip noesp passing ip protocol esp drop`);
  },
  unset: () => nft('delete table ip noesp'),
};

/** MOBIKE (RFC 4555), and encapsulation that is forced. */
export const mobilityScenarios: readonly Scenario[] = [
  moving('us'),
  moving('peer'),
  {
    group: 'mobility',
    name: 'we force encapsulation where ESP of its own is dropped',
    initiators: ['us', 'peer'],
    ours: { ...OURS, natTraversal: 'forced' },
    theirs: swanctlConf(),
    conditions: noProtocol50,
    expect: 'traffic',
    log: [/remote host is behind NAT/],
    afterwards: expectEncapsulation,
  },
  {
    group: 'mobility',
    name: 'the peer forces encapsulation where ESP of its own is dropped',
    initiators: ['us', 'peer'],
    ours: OURS,
    theirs: swanctlConf({ connection: 'encap = yes' }),
    conditions: noProtocol50,
    expect: 'traffic',
    log: [/faking NAT situation to enforce UDP encapsulation/],
    afterwards: expectEncapsulation,
  },
];

/** One end leaves its address for another, and comes back; the IKE SA is the same, and traffic flows. */
function moving(who: Initiator): Scenario {
  return {
    group: 'mobility',
    name: `${who === 'us' ? 'our' : "the peer's"} address changes, twice`,
    initiators: ['us', 'peer'],
    ours: MOBILE,
    theirs: swanctlConf({ connection: THEIRS }),
    conditions: addresses,
    expect: 'traffic',
    async afterwards(stage) {
      const from = stage.edge.news.length;
      const { namespace, underlay, second } = who === 'us' ? US : PEER;
      await move(stage, who, namespace, underlay, second);
      await move(stage, who, namespace, second, underlay);
      const kinds = stage.edge.news.slice(from).map((news) => (news.kind === 'event' ? news.event.kind : news.kind));
      const lost = kinds.find((kind) => kind.startsWith('ike-') || kind.endsWith('failed'));
      if (lost !== undefined) throw new Error(`the tunnel did not survive: ${kinds.join(', ')}`);
    },
  };
}

async function move(stage: Stage, who: Initiator, namespace: string, before: string, after: string): Promise<void> {
  const { edge, ends } = stage;
  const from = edge.news.length;
  replaceAddress(namespace, before, after);
  if (who === 'us') await edge.command(`move ${after}`);
  const changed = await edge.event(['path-changed'], PATIENCE, from);
  const address = who === 'us' ? changed.local.address : changed.remote.address;
  if (String(address) !== hexOf(after)) throw new Error(`moved to ${String(address)} instead of ${after}`);
  // Some may be under way; once probes come back, everything does.
  await ends.us.startProbes(PEER.host, 20);
  await ends.us.awaitProbes(20);
  await ends.us.stopProbes(0);
  await exchangeTraffic(ends);
}

function replaceAddress(namespace: string, before: string, after: string): void {
  ip(namespace, `address replace ${after}/24 dev wan`);
  if (ip(namespace, 'address show dev wan').includes(` ${before}/24`))
    ip(namespace, `address del ${before}/24 dev wan`);
}

async function expectEncapsulation({ edge }: Stage): Promise<void> {
  const { associations } = await edge.status();
  if (!associations.every(({ encapsulate }) => encapsulate)) throw new Error('a Child SA is not in UDP');
}

async function nft(commands: string): Promise<void> {
  await within(ROUTER.namespace, 'nft', [commands]);
}

/** Octets travel from the edge process as hexadecimal. */
function hexOf(address: string): string {
  return Buffer.from(address.split('.').map(Number)).toString('hex');
}

const PATIENCE = 30_000;

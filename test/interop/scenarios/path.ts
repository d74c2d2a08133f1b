import { TestCredential } from '@weft/edge-agent/test-authority';
import { addressRouter6, ip, PEER, ROUTER, US, within } from '../network.js';
import type { Conditions, Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';
import { exchangeTraffic } from '../traffic/traffic.js';
import { OURS, swanctlConf } from './common.js';

const PATH_MTU = 576;
/** Less IP and UDP header and the non-ESP marker. */
const FRAGMENT = PATH_MTU - 20 - 8 - 4;

/** The router's links take 576 octets, and it drops whatever IP had to fragment. */
const narrowPath: Conditions = {
  async set({ charon }) {
    for (const link of ['us', 'peer']) ip(ROUTER.namespace, `link set ${link} mtu ${PATH_MTU}`);
    await nft(`add table ip narrow
      add chain ip narrow arriving { type filter hook prerouting priority -450; }
      add rule ip narrow arriving ip frag-off & 0x3fff != 0 drop`);
    await charon.setting('fragment_size', String(PATH_MTU));
  },
  async unset({ charon }) {
    for (const link of ['us', 'peer']) ip(ROUTER.namespace, `link set ${link} mtu 1500`);
    addressRouter6();
    await nft('delete table ip narrow');
    await charon.setting('fragment_size', undefined);
  },
};

/** Whoever is behind the router leaves it as one of its ports; `rebind` makes that another one. */
function masquerade(behind: 'us' | 'peer'): Conditions & { rebind(): Promise<void> } {
  const outer = behind === 'us' ? 'peer' : 'us';
  const rule = (ports: string) => `add rule ip nat leaving oifname "${outer}" ip protocol udp masquerade to :${ports}`;
  return {
    set: () =>
      nft(`add table ip nat
        add chain ip nat leaving { type nat hook postrouting priority 100; }
        ${rule('20000-29999')}`),
    unset: () => nft('delete table ip nat'),
    async rebind() {
      await nft(`flush chain ip nat leaving
        ${rule('30000-39999')}`);
      // Taking the address away makes the kernel forget every mapping that was made for it.
      const address = `${outer === 'us' ? ROUTER.toUs : ROUTER.toPeer}/24 dev ${outer}`;
      ip(ROUTER.namespace, `address del ${address}`);
      ip(ROUTER.namespace, `address add ${address}`);
    },
  };
}

async function nft(commands: string): Promise<void> {
  await within(ROUTER.namespace, 'nft', [commands]);
}

/** Three certificates of RSA travel over a path on which no whole IKE_AUTH fits. */
export async function pathScenarios(): Promise<readonly Scenario[]> {
  const key = 'rsa';
  const root = await TestCredential.root('CN=Root, O=Weft interop', { key });
  const upper = await root.issue('CN=Upper, O=Weft interop', { key, pathLength: 1 });
  const lower = await upper.issue('CN=Lower, O=Weft interop', { key, pathLength: 0 });
  const leaf = (name: string) => lower.issue(`CN=${name}`, { key, names: [{ type: 'dns', value: name }] });
  const [us, peer] = await Promise.all([leaf('us.example'), leaf('peer.example')]);
  return [
    {
      group: 'path',
      name: 'three certificates over a path of 576 octets that drops IP fragments',
      initiators: ['us', 'peer'],
      ours: {
        ...OURS,
        fragmentSize: FRAGMENT,
        auth: {
          kind: 'certificate',
          privateKey: us.privateKeyPem,
          chain: [us.pem, lower.pem, upper.pem],
          anchors: [root.pem],
        },
      },
      theirs: swanctlConf({
        connection: 'send_cert = always',
        local: 'auth = pubkey\n certs = peer.pem\n id = peer.example',
        remote: 'auth = pubkey\n id = us.example\n cacerts = root.pem',
        secrets: '',
      }),
      files: {
        'x509/peer.pem': peer.pem,
        'private/peer.pem': peer.privateKeyPem,
        'x509ca/root.pem': root.pem,
        'x509ca/upper.pem': upper.pem,
        'x509ca/lower.pem': lower.pem,
      },
      conditions: narrowPath,
      expect: 'pings',
      log: [/received fragment #\d+ of (\d{2}|[5-9])/],
    },
    behindNat('us', 'no'),
    behindNat('peer', 'no'),
    behindNat('us', 'yes'),
    behindNat('peer', 'yes'),
  ];
}

function behindNat(behind: 'us' | 'peer', mobike: 'yes' | 'no'): Scenario {
  const nat = masquerade(behind);
  const ours = { ...OURS, mobike: mobike === 'yes', ...(behind === 'us' ? {} : { remote: undefined }) };
  return {
    group: 'path',
    name: `${behind === 'us' ? 'we are' : 'the peer is'} behind a NAT whose mapping changes, ${mobike === 'yes' ? 'with' : 'without'} MOBIKE`,
    initiators: [behind],
    // Who asks first is who learns of a new mapping; with MOBIKE that has to be the one behind the NAT.
    ours: { ...ours, livenessInterval: mobike === 'yes' && behind === 'peer' ? 30_000 : 500 },
    theirs: swanctlConf({
      remoteAddresses: behind === 'us' ? '%any' : US.underlay,
      connection: `dpd_delay = 1s\n mobike = ${mobike}`,
    }),
    conditions: nat,
    expect: 'traffic',
    async afterwards(stage) {
      // strongSwan takes the mapping that its first liveness check shows for the one that was there before.
      if (behind === 'peer' && mobike === 'yes') await stage.charon.logs(/parsed INFORMATIONAL response/, 30_000);
      await recover(stage, nat);
    },
  };
}

async function recover(stage: Stage, nat: { rebind(): Promise<void> }): Promise<void> {
  const { edge, ends } = stage;
  const from = edge.news.length;
  await nat.rebind();
  // Probes both ways until some come back: who is behind the NAT has then shown itself under the new mapping.
  await ends.us.startProbes(PEER.host, 20);
  await ends.us.awaitProbes(20);
  await ends.us.stopProbes(0);
  await exchangeTraffic(ends);
  // strongSwan's userspace ESP cannot move a Child SA and replaces it instead; the IKE SA must be the same.
  const after = edge.news.slice(from).map((news) => (news.kind === 'event' ? news.event.kind : news.kind));
  const lost = after.find((kind) => kind.startsWith('ike-') || kind === 'child-failed');
  if (lost !== undefined) throw new Error(`the tunnel did not survive: ${after.join(', ')}`);
}

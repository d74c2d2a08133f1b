import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Bundle, SecurityAssociationCommand } from '@weft/contracts/southbound';
import { parseAddress, Secret, type SecurityAssociationParameters } from '@weft/ipsec-core';
import { openTunQueues, openUdpSocketGroup } from '@weft/linux-io';
import { parseBundle } from '../../src/control/bundle/parse-bundle.js';
import { BundleInstaller } from '../../src/control/bundle-installer.js';
import { executeAssociationCommand } from '../../src/control/security-associations.js';
import { System } from '../../src/control/system.js';
import { UnderlayFollower } from '../../src/control/underlay-follower.js';
import { DataPlaneThread } from '../../src/dataplane/data-plane-thread.js';
import { parseIdentity, StoredIdentity } from '../../src/identity/identity.js';
import { EdgeIke } from '../../src/ike/edge-ike.js';
import { createOverlayNetwork, OWN_PACKETS_MARK } from '../../src/network/overlay-network.js';
import { createLog } from '../../src/platform/log.js';
import type { TunnelMove } from '../../src/redundancy/redundant-tunnels.js';
import { NO_BLIND } from './no-blind.js';

/**
 * Everything of an agent below its session, as a process for a network namespace: bundles and association commands
 * come as lines of JSON on standard input, each is answered by a line on standard output.
 */
const [device = 'weft0', dataPath, identityFile] = process.argv.slice(2);
const log = createLog('silent', {});
const portable = dataPath === 'portable';
const workers = Number(process.env['WEFT_TEST_WORKERS'] ?? 1);
const queues = openTunQueues(device, { offloads: !portable }, workers);
/** Where packets of groups went, one after the other. */
const moves: TunnelMove[] = [];
const dataPlane = new DataPlaneThread(
  queues,
  {
    lifetime: () => undefined,
    replacing: (replacement) => process.stderr.write(`replacing a worker: ${JSON.stringify(replacement)}\n`),
    died: (error) => {
      process.stderr.write(`${error.message}\n`);
      process.exit(1);
    },
    ...(identityFile === undefined ? {} : { ike: (octets, source, local) => ike?.receive(octets, source, local) }),
    unknownSpi: (spi, source) => ike?.unknownSpi(spi, source),
    acquire: (tunnelIds) => ike?.wanted(tunnelIds),
    moved: (move) => moves.push(move),
  },
  // With faults, the thread dies when a file says so.
  {
    portable,
    mark: OWN_PACKETS_MARK,
    pathProbing: process.env['WEFT_TEST_PATH_PROBING'] === 'true',
    ...(process.env['WEFT_TEST_FAULT'] === undefined ? {} : { module: new URL('./faulty-worker.ts', import.meta.url) }),
  },
);
/** With an identity it negotiates; without one it knows no IKE. */
const ike: EdgeIke | undefined =
  identityFile === undefined
    ? undefined
    : new EdgeIke({
        identity: parseIdentity(StoredIdentity.parse(JSON.parse(readFileSync(identityFile, 'utf8')))),
        plane: dataPlane,
        log,
        // The same edge has the same one, whenever it starts.
        crashDetectionSecret: new Secret(createHash('sha256').update(identityFile).digest()),
        random: Math.random,
      });
const underlay = new UnderlayFollower(device, log);
const system = new System({
  network: createOverlayNetwork(device),
  dataPlane,
  openSockets: (endpoint, options) =>
    openUdpSocketGroup(
      endpoint,
      { bufferOctets: 8 << 20, reportErrors: true, mark: OWN_PACKETS_MARK, ...options },
      workers,
    ),
  elsewhere: (configured, localNetworks) => underlay.elsewhere(configured, localNetworks),
});
const noIke = { apply: async () => undefined, move: () => undefined, found: () => undefined };
const installer = new BundleInstaller(system, { ike: ike ?? noIke, blind: NO_BLIND }, log);
let generation = 0n;
await underlay.start(installer);

async function answer(request: { kind: string; value?: unknown }): Promise<unknown> {
  switch (request.kind) {
    case 'bundle': {
      const message = Bundle.fromJSON(request.value);
      generation++;
      const contentHash = generation.toString(16).padStart(64, '0');
      const bundle = { epoch: 1n, generation, revision: generation, contentHash, ...parseBundle(message) };
      await installer.install(bundle, async () => undefined);
      return { ok: true };
    }
    case 'command':
      await executeAssociationCommand(SecurityAssociationCommand.fromJSON(request.value), installer.running, dataPlane);
      return { ok: true };
    case 'associations': {
      const { associations } = request.value as { associations: WireAssociation[] };
      await dataPlane.install(associations.map(associationOf));
      return { ok: true };
    }
    case 'snapshot':
      return dataPlane.snapshot();
    case 'moves':
      return moves;
    case 'negotiations':
      return Object.fromEntries(ike?.states() ?? []);
    case 'identity':
      ike?.useIdentity(parseIdentity(StoredIdentity.parse(request.value)));
      return { ok: true };
    case 'rekey': {
      const { associations } = await dataPlane.snapshot();
      for (const { tunnelId, direction, spi } of associations) {
        if (direction === 'inbound') ike?.lifetimeEnded({ kind: 'soft', tunnelId, direction, spi });
      }
      return { ok: true };
    }
    default:
      underlay.stop();
      await ike?.stop();
      await dataPlane.stop();
      system.close();
      for (const queue of queues) queue.close();
      return { ok: true };
  }
}

/** As JSON carries it: keys in hex, addresses in text. */
type WireAssociation = Omit<SecurityAssociationParameters, 'keyingMaterial' | 'outer'> & {
  readonly keyingMaterial: string;
  readonly outer?: { readonly local: string; readonly remote: string };
};

function associationOf({ keyingMaterial, outer, ...rest }: WireAssociation): SecurityAssociationParameters {
  return {
    ...rest,
    keyingMaterial: Uint8Array.from(Buffer.from(keyingMaterial, 'hex')),
    ...(outer && { outer: { ...outer, local: parseAddress(outer.local), remote: parseAddress(outer.remote) } }),
  } as SecurityAssociationParameters;
}

for await (const line of createInterface({ input: process.stdin })) {
  const reply = await answer(JSON.parse(line)).catch((error: unknown) => ({ error: String(error) }));
  process.stdout.write(
    `${JSON.stringify(reply, (_, value) => (typeof value === 'bigint' ? value.toString() : value))}\n`,
  );
}
process.exit(0);

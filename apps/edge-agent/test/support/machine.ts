import { createDataPlane, createSecurityPolicyDatabase, type SecurityAssociationParameters } from '@weft/ipsec-core';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import { ERRNO, SystemCallError } from '@weft/linux-io';
import type { LoadedPolicies } from '../../src/dataplane/messages.js';
import { DataPlaneError, DataPlaneRefusal } from '../../src/dataplane/plane-error.js';
import { NetworkError } from '../../src/network/network-error.js';
import type { TextRange } from '../../src/network/protected-ranges.js';

/** A machine in memory, with a switch for everything that can fail. */
export class Machine {
  mtu = 1500;
  up = false;
  device = new Set<string>();
  unreachable = new Set<string>();
  fence: readonly TextRange[] | undefined;
  loaded: LoadedPolicies | undefined;
  installed: SecurityAssociationParameters[] = [];
  /** Associations that the data plane still has, for snapshots. */
  existing: { tunnelId: string; spi: number; direction: 'inbound' | 'outbound' }[] = [];
  removed: unknown[] = [];
  failing:
    | 'bind'
    | 'route'
    | 'policy'
    | 'silent-route'
    | 'silent-route-for-ever'
    | 'silent-policy'
    | 'silent-carrier'
    | 'no-answer'
    | 'association'
    | undefined;
  sockets = 0;

  readonly direct = new Set<string>();
  readonly rules = new Set<4 | 6>();

  readonly network = {
    read: async () => ({
      mtu: this.mtu,
      up: this.up,
      deviceRoutes: new Set(this.device),
      unreachableRoutes: new Set(this.unreachable),
      directRoutes: new Set(this.direct),
      connected: new Set(['192.0.2.0/24', '10.2.0.128/25']),
      steersIpv4: this.rules.has(4),
      steersIpv6: this.rules.has(6),
      forwardsIpv4: true,
      forwardsIpv6: true,
      fence: this.fence,
    }),
    configureDevice: async (mtu: number) => {
      this.mtu = mtu;
      this.up = true;
    },
    addUnreachableRoutes: async (prefixes: readonly string[]) => each(prefixes, (p) => this.unreachable.add(p)),
    removeUnreachableRoutes: async (prefixes: readonly string[]) => each(prefixes, (p) => this.unreachable.delete(p)),
    addDeviceRoutes: async (prefixes: readonly string[]) => {
      if (this.failing === 'silent-route' || this.failing === 'silent-route-for-ever') {
        if (this.failing === 'silent-route') this.failing = undefined;
        return;
      }
      if (this.failing === 'route') throw new NetworkError('ip_refused', 'RTNETLINK answers: Invalid argument', 'fix');
      each(prefixes, (p) => this.device.add(p));
    },
    removeDeviceRoutes: async (prefixes: readonly string[]) => each(prefixes, (p) => this.device.delete(p)),
    addDirectRoutes: async (prefixes: readonly string[]) => each(prefixes, (p) => this.direct.add(p)),
    removeDirectRoutes: async (prefixes: readonly string[]) => each(prefixes, (p) => this.direct.delete(p)),
    addRule: async (family: 4 | 6) => void this.rules.add(family),
    removeRule: async (family: 4 | 6) => void this.rules.delete(family),
    enableForwarding: async () => undefined,
    buildFence: async (ranges: readonly TextRange[]) => {
      this.fence = ranges;
    },
    removeFence: async () => {
      this.fence = undefined;
    },
  };

  readonly dataPlane = {
    load: async (loaded: LoadedPolicies) => {
      if (this.failing === 'policy') {
        this.failing = undefined;
        throw new DataPlaneRefusal({ path: 'policies[1].selector', code: 'EMPTY_SELECTOR', reason: 'empty' });
      }
      this.loaded = loaded;
    },
    unload: async () => {
      this.loaded = undefined;
    },
    install: async (associations: readonly SecurityAssociationParameters[]) => {
      if (this.failing === 'association') {
        throw new DataPlaneRefusal({ path: 'associations[0]', code: 'SPI_IN_USE', reason: 'in use' });
      }
      this.installed.push(...associations);
    },
    remove: async (...removed: unknown[]) => {
      this.removed.push(removed);
    },
    rebind: async () => {
      throw new Error('not used');
    },
    expect: async () => undefined,
    move: async () => {
      throw new Error('not expected: no bundle moves an association on its own');
    },
    announce: async () => {
      throw new Error('not expected: no bundle announces an association');
    },
    decide: async (packets: readonly Uint8Array[]) => {
      if (this.failing === 'no-answer') throw new DataPlaneError('worker_ended', 'the packet path ended', 'fix');
      const plane = createDataPlane({ provider: nodeCryptoProvider, random: (out) => out.fill(0) });
      const { policies = [], carriers = [] } = this.loaded ?? {};
      plane.installPolicy(
        createSecurityPolicyDatabase(
          this.failing === 'silent-policy' ? policies.slice(1) : policies,
          this.failing === 'silent-carrier' ? carriers.slice(1) : carriers,
        ),
      );
      const decided = packets.map((packet) => plane.explain(packet, 0, packet.length, 0));
      return [decided.map(({ entry, tunnelId }) => ({ entryId: entry?.entryId, tunnelId }))];
    },
    redirect: async () => {
      throw new Error('not expected: no bundle moves a peer on its own');
    },
    snapshot: async () => ({
      now: 0,
      contentHash: this.loaded?.contentHash,
      associations: this.existing as never,
      tunnels: [],
      groups: [],
      policies: [],
      drops: [],
      underlayErrors: [],
      pathMtuMessages: [],
      keepalives: 0n,
      workers: [],
    }),
  };

  readonly openSockets = (endpoint: { address: Uint8Array; port: number }) => {
    if (this.failing === 'bind') throw new SystemCallError('bind', ERRNO.EADDRNOTAVAIL, 'UDP port 4500');
    this.sockets++;
    const socket = {
      fd: 100 + this.sockets,
      receive: () => 0,
      send: () => 0,
      enableOffloads: () => ({ send: false, receive: false }),
      localEndpoint: () => endpoint,
      close: () => {
        this.sockets--;
      },
    };
    return [socket];
  };

  /** Everything that must not change when a bundle is refused. */
  state() {
    const { mtu, up, device, unreachable, fence, loaded, sockets } = this;
    return structuredClone({ mtu, up, device, unreachable, fence, hash: loaded?.contentHash, sockets });
  }
}

function each(prefixes: readonly string[], act: (prefix: string) => unknown): void {
  for (const prefix of prefixes) act(prefix);
}

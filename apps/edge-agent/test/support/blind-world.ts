import { createHash, randomFillSync } from 'node:crypto';
import { Secret, type SecurityAssociationParameters } from '@weft/ipsec-core';
import type { TunnelTerms } from '@weft/ipsec-core/blind';
import { nodeCryptoProvider, nodeKeyExchange } from '@weft/ipsec-core/node-crypto';
import type { BlindForm } from '../../src/blind/blind-association.js';
import { type BlindNews, type BlindPlane, BlindTunnel } from '../../src/blind/blind-tunnel.js';
import { TunnelKeyStore } from '../../src/blind/tunnel-key-store.js';
import { DataPlaneRefusal } from '../../src/dataplane/plane-error.js';
import { StateKey } from '../../src/platform/state-key.js';

export type Name = 'a' | 'b';
export const TUNNEL = '00000000-0000-4000-8000-000000000001';
export const FORM: BlindForm = {
  replayWindow: 64,
  hardLifetime: 24 * 3_600_000,
  travel: { inbound: {}, outbound: {} },
};

const other = (name: Name): Name => (name === 'a' ? 'b' : 'a');
const NAMES = ['a', 'b'] as const;
export const SERIAL = { a: '0a', b: '0b' } as const;

export function termsOf(name: Name, more: Partial<TunnelTerms> = {}): TunnelTerms {
  return {
    fabric: 'tenant',
    tunnelId: TUNNEL,
    local: `edge-${name}`,
    remote: `edge-${other(name)}`,
    epoch: 1n,
    suite: { name: 'esp tunnel aes-gcm-16 256 esn udp', keyingMaterialLength: 36 },
    softLifetime: 8 * 3_600_000,
    hardLifetime: 24 * 3_600_000,
    ...more,
  };
}

/** One edge: its disk, its packet path, and the host of the tunnel while it runs. */
interface End {
  readonly disk: Map<string, Uint8Array>;
  tunnel: BlindTunnel | undefined;
  boots: number;
  connected: boolean;
  inbound: Map<number, { readonly key: string; readonly seen: Set<number> }>;
  outbound: Map<number, { readonly key: string; readonly standby: boolean; sequence: number }>;
  readonly news: BlindNews[];
  /** Steps that are still done before the power fails. */
  power: number;
  /** Says why the disk takes nothing, while it takes nothing. */
  diskFailure: string | undefined;
  readonly foreignSpis: Set<number>;
}

interface Packet {
  readonly to: Name;
  readonly spi: number;
  readonly key: string;
  readonly sequence: number;
}

/** Two hosts of a tunnel, what relays their messages, and packet paths that are none: in virtual time. Notes what must never happen. */
export class BlindWorld {
  readonly ends: Readonly<Record<Name, End>> = { a: newEnd(), b: newEnd() };
  readonly violations: string[] = [];
  readonly captured: Packet[] = [];
  /** All that the controller ever had. */
  readonly relayed: Uint8Array[] = [];
  /** What becomes of a message on its way; undefined: it is lost. */
  relay: (message: Uint8Array, to: Name) => Uint8Array | undefined = (message) => message;
  delivered = 0;
  /** Certificates that no end believes from its next start on. */
  revoked: ReadonlySet<string> = new Set();
  now = 1_000_000;
  readonly #latest: Partial<Record<Name, Uint8Array>> = {};
  readonly #sentWith = new Set<string>();
  readonly #receivedWith = new Set<string>();
  #timers: { readonly at: number; readonly boot: string; readonly run: () => void }[] = [];
  #activity = 0;

  start(name: Name, more: Partial<TunnelTerms> = {}): void {
    const end = this.ends[name];
    const boot = `${name}${++end.boots}`;
    const alive = () => boot === `${name}${end.boots}`;
    const step = () => {
      this.#activity++;
      if (alive() && end.power-- <= 0) this.kill(name);
      if (!alive()) throw new Error('the power is off');
    };
    end.tunnel = new BlindTunnel(termsOf(name, more), FORM, this.revoked, {
      crypto: { provider: nodeCryptoProvider, keyExchange: nodeKeyExchange, random: (out) => void randomFillSync(out) },
      store: new TunnelKeyStore(diskOf(end, step), KEY),
      plane: this.#planeOf(name, step),
      proof: {
        sign: async (octets) => {
          step();
          return { signature: signatureOf(name, octets), certificates: [] };
        },
        verify: async ({ peer, octets, signature }) => {
          step();
          const good =
            peer === `edge-${other(name)}` && Buffer.compare(signature, signatureOf(other(name), octets)) === 0;
          return good
            ? { ok: true, serialNumber: SERIAL[other(name)] }
            : { ok: false, refusal: 'the signature is wrong' };
        },
      },
      publish: (_, message) => {
        step();
        this.#publish(name, message);
      },
      wallClock: () => this.now,
      after: (milliseconds, run) => {
        const timer = { at: this.now + milliseconds, boot, run };
        this.#timers.push(timer);
        return () => {
          this.#timers = this.#timers.filter((one) => one !== timer);
        };
      },
      inTurn: (work) => work(),
      onNews: (_, news) => {
        if (alive()) end.news.push(news);
      },
    });
    end.tunnel.start();
  }

  /** Everything in memory is gone, at once. */
  kill(name: Name): void {
    const end = this.ends[name];
    const boot = `${name}${end.boots++}`;
    end.tunnel = undefined;
    end.inbound = new Map();
    end.outbound = new Map();
    end.power = Number.POSITIVE_INFINITY;
    this.#timers = this.#timers.filter((timer) => timer.boot !== boot);
  }

  connect(name: Name): void {
    const end = this.ends[name];
    end.connected = true;
    if (end.tunnel !== undefined) end.tunnel.connected = true;
    const latest = this.#latest[other(name)];
    if (latest !== undefined) this.#bring(name, latest);
  }

  disconnect(name: Name): void {
    const { tunnel } = this.ends[name];
    this.ends[name].connected = false;
    if (tunnel !== undefined) tunnel.connected = false;
  }

  async begin(): Promise<this> {
    for (const name of NAMES) this.start(name);
    for (const name of NAMES) this.connect(name);
    await this.run(2_000);
    return this;
  }

  /** Time passes, and everything that falls into it is done. */
  async run(milliseconds: number): Promise<void> {
    const until = this.now + milliseconds;
    for (;;) {
      await this.quiet();
      const [next] = this.#timers.toSorted((one, another) => one.at - another.at);
      if (next === undefined || next.at > until) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.now = Math.max(this.now, next.at);
      next.run();
    }
    this.now = until;
  }

  /** Until nothing is under way. */
  async quiet(): Promise<void> {
    for (let before = -1; before !== this.#activity; ) {
      before = this.#activity;
      for (const name of NAMES) await this.ends[name].tunnel?.settled();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** A packet each way. @returns how many arrived. */
  async exchange(): Promise<number> {
    const before = this.delivered;
    for (const name of NAMES) this.#transmit(name);
    await this.quiet();
    return this.delivered - before;
  }

  /** The packet arrives once more. */
  replay(packet: Packet): void {
    this.#arrive(packet);
  }

  #publish(from: Name, message: Uint8Array): void {
    if (!this.ends[from].connected) return;
    this.relayed.push(message);
    this.#latest[from] = message;
    if (this.ends[other(from)].connected) this.#bring(other(from), message);
  }

  #bring(to: Name, message: Uint8Array): void {
    const octets = this.relay(message, to);
    if (octets !== undefined) this.ends[to].tunnel?.tell({ kind: 'message', octets });
  }

  #transmit(from: Name, spi?: number): void {
    const { outbound } = this.ends[from];
    const found = [...outbound].findLast(([other, { standby }]) => (spi === undefined ? !standby : spi === other));
    if (found === undefined) return;
    const [used, sending] = found;
    const packet = { to: other(from), spi: used, key: sending.key, sequence: ++sending.sequence };
    const number = `${packet.key} ${packet.sequence}`;
    if (this.#sentWith.has(number)) this.violations.push(`${from} sends number ${packet.sequence} of ${used} twice`);
    this.#sentWith.add(number);
    this.captured.push(packet);
    this.#arrive(packet, spi === undefined);
  }

  #arrive({ to, spi, key, sequence }: Packet, counts = true): void {
    const end = this.ends[to];
    const receiving = end.inbound.get(spi);
    if (receiving === undefined) {
      end.tunnel?.tell({ kind: 'unknown_spi', spi });
      return;
    }
    if (receiving.key !== key || receiving.seen.has(sequence)) return;
    receiving.seen.add(sequence);
    const once = `received ${key} ${sequence}`;
    if (this.#receivedWith.has(once)) this.violations.push(`${to} accepts number ${sequence} of ${spi} twice`);
    this.#receivedWith.add(once);
    if (counts) this.delivered++;
    if (receiving.seen.size === 1) end.tunnel?.tell({ kind: 'used', spi });
  }

  #planeOf(name: Name, step: () => void): BlindPlane {
    const end = this.ends[name];
    return {
      install: async (associations) => {
        step();
        for (const association of associations) this.#install(name, association);
      },
      remove: async (inbound, outbound) => {
        step();
        for (const spi of inbound) end.inbound.delete(spi);
        for (const { spi } of outbound) end.outbound.delete(spi);
      },
      announce: async ({ spi }) => {
        step();
        this.#transmit(name, spi);
      },
      move: async () => step(),
    };
  }

  #install(name: Name, { direction, spi, keyingMaterial, standby = false }: SecurityAssociationParameters): void {
    const end = this.ends[name];
    const key = Buffer.from(keyingMaterial).toString('hex');
    keyingMaterial.fill(0);
    if (direction === 'outbound') {
      end.outbound.set(spi, { key, standby, sequence: 0 });
      return;
    }
    if (end.foreignSpis.has(spi) || end.inbound.has(spi)) {
      throw new DataPlaneRefusal({ path: 'associations[0]', code: 'SPI_IN_USE', reason: `${spi} is in use` });
    }
    end.inbound.set(spi, { key, seen: new Set() });
  }
}

function newEnd(): End {
  return {
    disk: new Map(),
    tunnel: undefined,
    boots: 0,
    connected: false,
    inbound: new Map(),
    outbound: new Map(),
    news: [],
    power: Number.POSITIVE_INFINITY,
    diskFailure: undefined,
    foreignSpis: new Set(),
  };
}

function diskOf(end: End, step: () => void) {
  return {
    read: async (name: string) => {
      step();
      const found = end.disk.get(name);
      return found && Buffer.from(found);
    },
    write: async (name: string, content: Uint8Array) => {
      step();
      if (end.diskFailure !== undefined) throw new Error(end.diskFailure);
      end.disk.set(name, Uint8Array.from(content));
    },
    remove: async (name: string) => {
      step();
      end.disk.delete(name);
    },
    names: async () => [...end.disk.keys()],
    file: (name: string) => name,
  };
}

function signatureOf(name: Name, octets: Uint8Array): Uint8Array {
  return createHash('sha384').update(`secret of ${name}`).update(octets).digest();
}

const KEY = new StateKey(new Secret(new Uint8Array(32).fill(5)));

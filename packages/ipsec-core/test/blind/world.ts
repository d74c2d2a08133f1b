import { nodeKeyExchange } from '../../providers/node-crypto/ike/key-exchange.js';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import type { KeyingCrypto } from '../../src/blind/half.js';
import type { InstalledAssociation, KeyingInput, KeyingOutput } from '../../src/blind/outputs.js';
import { parseState } from '../../src/blind/stored-state.js';
import type { TunnelTerms } from '../../src/blind/terms.js';
import { TunnelKeying } from '../../src/blind/tunnel-keying.js';
import { toHex } from '../../src/bytes/hex.js';
import { type SeededRandom, seededRandom } from '../../src/testing/seeded-random.js';
import { type End, type Name, newEnd, other, SECOND, signatureOf } from './end.js';

/** What the world does to messages and packets; everything by chance, everything reproducible. */
interface Weather {
  readonly relayLoss: number;
  readonly relayDuplicates: number;
  readonly relayDelay: number;
  readonly packetLoss: number;
  readonly packetDuplicates: number;
  readonly packetDelay: number;
}

const CALM: Weather = {
  relayLoss: 0,
  relayDuplicates: 0,
  relayDelay: 20,
  packetLoss: 0,
  packetDuplicates: 0,
  packetDelay: 20,
};

interface Packet {
  /** Undefined of a dummy packet. */
  readonly id: number | undefined;
  readonly to: Name;
  readonly spi: number;
  readonly key: string;
  readonly sequence: number;
}

interface ScheduledEvent {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Two ends, what relays their messages, and what carries their packets, in virtual time. It notes what must never happen. */
export class World {
  readonly random: SeededRandom;
  readonly ends: Readonly<Record<Name, End>>;
  readonly violations: string[] = [];
  readonly sent = new Set<number>();
  readonly delivered = new Set<number>();
  /** All packets that were ever on the way, for who replays them. */
  readonly captured: Packet[] = [];
  /** What the relay has: the latest message of each end. */
  readonly relayed: Partial<Record<Name, Uint8Array>> = {};
  readonly everRelayed: Uint8Array[] = [];
  weather: Weather = CALM;
  now = 1_000_000;
  /** Packets that found nothing to be sent on. */
  waited = 0;
  readonly #crypto: KeyingCrypto;
  readonly #usedForSending = new Set<string>();
  readonly #usedForReceiving = new Set<string>();
  readonly #events: ScheduledEvent[] = [];
  readonly #timers: Partial<Record<Name, () => void>> = {};
  #order = 0;
  #packets = 0;

  constructor(seed: number, more: Partial<TunnelTerms> = {}) {
    this.random = seededRandom(seed);
    this.#crypto = {
      provider: nodeCryptoProvider,
      keyExchange: nodeKeyExchange,
      random: (out) => this.random.fill(out),
    };
    this.ends = { a: newEnd('a', more), b: newEnd('b', more) };
  }

  start(name: Name): void {
    const end = this.ends[name];
    const stored = end.disk && parseState(nodeCryptoProvider, end.disk);
    if (stored !== undefined && !stored.ok) throw new Error(`The state of ${name} cannot be read.`);
    end.boots++;
    end.keying = new TunnelKeying(end.terms, this.#crypto, stored?.value, this.now);
    this.#perform(end, end.keying.begin());
  }

  /** Everything in memory is gone. */
  stop(name: Name): void {
    const end = this.ends[name];
    end.keying = undefined;
    end.boots++;
    end.inbound = new Map();
    end.outbound = [];
    end.powerFor = undefined;
    this.disconnect(name);
  }

  restart(name: Name): void {
    const { connected } = this.ends[name];
    this.stop(name);
    this.start(name);
    if (connected) this.connect(name);
  }

  connect(name: Name): void {
    this.ends[name].connected = true;
    this.tell(name, { kind: 'connected' });
    const latest = this.relayed[other(name)];
    if (latest !== undefined) this.#relay(name, latest);
  }

  disconnect(name: Name): void {
    this.ends[name].connected = false;
  }

  begin(): this {
    for (const name of ['a', 'b'] as const) {
      this.start(name);
      this.connect(name);
    }
    this.run(SECOND);
    return this;
  }

  tell(name: Name, input: KeyingInput): void {
    const end = this.ends[name];
    if (end.keying !== undefined) this.#perform(end, end.keying.handle(input, this.now));
  }

  send(from: Name): void {
    const id = ++this.#packets;
    if (this.#transmit(from, id, undefined)) this.sent.add(id);
    else this.waited++;
  }

  /** The packet reaches its end once more. */
  replay(packet: Packet): void {
    this.#arrive(packet);
  }

  exchange(count = 3): void {
    for (let i = 0; i < count; i++) {
      this.send('a');
      this.send('b');
      this.run(100);
    }
  }

  run(milliseconds: number): void {
    const end = Math.ceil(this.now + milliseconds);
    for (;;) {
      const next = this.#next();
      if (next === undefined || next.at > end) break;
      this.#events.splice(this.#events.indexOf(next), 1);
      this.now = Math.max(this.now, next.at);
      next.run();
    }
    this.now = end;
  }

  /** What the ends disagree in, as long as no packet and no message is on its way. */
  disagreements(): string[] {
    const found: string[] = [];
    for (const name of ['a', 'b'] as const) {
      const [end, peer] = [this.ends[name], this.ends[other(name)]];
      const preferred = end.outbound.filter((sending) => sending.preferred);
      if (preferred.length !== 1) found.push(`${name} sends on ${preferred.length} associations`);
      for (const { spi, key } of preferred) {
        if (peer.inbound.get(spi)?.key !== key) found.push(`${other(name)} does not receive what ${name} sends`);
      }
      const roots = new Set([...end.inbound.values()].map(({ root }) => root));
      if (roots.size !== 1) found.push(`${name} receives on ${roots.size} roots`);
      if (end.inbound.size > MOST_INBOUND) found.push(`${name} receives on ${end.inbound.size} associations`);
    }
    const [a, b] = [this.ends.a.keying?.position.inForce, this.ends.b.keying?.position.inForce];
    if (a !== b) found.push(`a sends on root ${a}, b on root ${b}`);
    return found;
  }

  #next(): ScheduledEvent | undefined {
    let next: ScheduledEvent | undefined;
    for (const event of this.#events) {
      if (next === undefined || event.at < next.at || (event.at === next.at && event.order < next.order)) next = event;
    }
    return next;
  }

  #perform(end: End, outputs: readonly KeyingOutput[]): void {
    for (const output of outputs) {
      if (end.powerFor === 0) {
        this.stop(end.name);
        return;
      }
      if (end.powerFor !== undefined) end.powerFor--;
      this.#carryOut(end, output);
    }
    this.#arm(end);
  }

  #carryOut(end: End, output: KeyingOutput): void {
    const { name } = end;
    switch (output.kind) {
      case 'store':
        end.disk = output.state.reveal((octets) => octets.slice());
        output.state.wipe();
        break;
      case 'install':
        this.#install(end, output);
        break;
      case 'remove':
        if (output.direction === 'inbound') end.inbound.delete(output.spi);
        else end.outbound = end.outbound.filter(({ spi }) => spi !== output.spi);
        break;
      case 'announce':
        this.#transmit(name, undefined, output.spi);
        break;
      case 'publish':
        end.published.push(output.message);
        this.#publish(end, output.message);
        break;
      case 'sign': {
        const signature = signatureOf(name, output.octets);
        const certificates = [Uint8Array.of(name.charCodeAt(0))];
        this.#soon(end, 1, { kind: 'signed', job: output.job, signature, certificates });
        break;
      }
      case 'verify': {
        const good =
          output.peer === `edge-${other(name)}` &&
          output.certificates[0]?.[0] === other(name).charCodeAt(0) &&
          toHex(output.signature) === toHex(signatureOf(other(name), output.octets));
        this.#soon(end, 1, {
          kind: 'verified',
          job: output.job,
          ...(good ? {} : { refusal: 'the signature is wrong' }),
        });
        break;
      }
      case 'refused':
        end.refusals.push(output.refusal);
        break;
      case 'alarm':
        end.alarms.push(output.alarm);
        break;
      case 'in_force':
        break;
    }
  }

  #install(end: End, output: InstalledAssociation): void {
    const { spi, root, preferred, keyingMaterial } = output;
    const key = keyingMaterial.reveal(toHex);
    keyingMaterial.wipe();
    end.secrets.add(key);
    const before = output.direction === 'inbound' ? this.#usedForReceiving : this.#usedForSending;
    if (before.has(key)) this.violations.push(`${end.name} uses a key ${output.direction} for a second time`);
    before.add(key);
    if (output.direction === 'outbound') end.outbound.push({ spi, key, root, preferred, sequence: 0 });
    else if (end.foreignSpis.has(spi) || end.inbound.has(spi)) this.#soon(end, 0, { kind: 'spi_in_use', spi });
    else end.inbound.set(spi, { key, root, seen: new Set() });
  }

  /** False when nothing is there to send on. */
  #transmit(from: Name, id: number | undefined, spi: number | undefined): boolean {
    const { outbound } = this.ends[from];
    const sending = outbound.findLast((entry) => (spi === undefined ? entry.preferred : entry.spi === spi));
    if (sending === undefined) return false;
    const packet = { id, to: other(from), spi: sending.spi, key: sending.key, sequence: ++sending.sequence };
    this.captured.push(packet);
    const { packetLoss, packetDuplicates, packetDelay } = this.weather;
    if (this.random.next() < packetLoss) {
      if (id !== undefined) this.sent.delete(id);
      return false;
    }
    this.#at(1 + this.random.next() * packetDelay, () => this.#arrive(packet));
    if (this.random.next() < packetDuplicates) this.#at(1 + 4 * packetDelay, () => this.#arrive(packet));
    return true;
  }

  #arrive({ id, to, spi, key, sequence }: Packet): void {
    const end = this.ends[to];
    if (end.keying === undefined) return;
    const receiving = end.inbound.get(spi);
    if (receiving === undefined) {
      this.tell(to, { kind: 'unknown_spi', spi });
      return;
    }
    if (receiving.key !== key) {
      if (!end.foreignSpis.has(spi)) this.violations.push(`${to} has another key for SPI ${spi}`);
      return;
    }
    if (receiving.seen.has(sequence)) return;
    const first = receiving.seen.size === 0;
    receiving.seen.add(sequence);
    if (id !== undefined) {
      if (this.delivered.has(id)) this.violations.push(`${to} has accepted packet ${id} twice`);
      this.delivered.add(id);
    }
    if (first) this.#soon(end, 0, { kind: 'used', spi });
  }

  #publish(end: End, message: Uint8Array): void {
    if (!end.connected) return;
    this.relayed[end.name] = message;
    this.everRelayed.push(message);
    if (this.ends[other(end.name)].connected) this.#relay(other(end.name), message);
  }

  #relay(to: Name, message: Uint8Array): void {
    const { relayLoss, relayDuplicates, relayDelay } = this.weather;
    const deliver = () => {
      if (this.ends[to].connected) this.tell(to, { kind: 'message', octets: message });
    };
    if (this.random.next() >= relayLoss) this.#at(1 + this.random.next() * relayDelay, deliver);
    if (this.random.next() < relayDuplicates) this.#at(1 + 5 * this.random.next() * relayDelay, deliver);
  }

  /** To this boot of the end, or to none. */
  #soon(end: End, milliseconds: number, input: KeyingInput): void {
    const { boots } = end;
    this.#at(milliseconds, () => {
      if (end.boots === boots) this.tell(end.name, input);
    });
  }

  #arm(end: End): void {
    const { keying, boots } = end;
    const deadline = keying?.deadline;
    if (deadline === undefined) return;
    // The one that was armed last counts.
    const timer = () => {
      if (end.boots === boots && this.#timers[end.name] === timer) this.tell(end.name, { kind: 'time' });
    };
    const before = this.#events.findIndex(({ run }) => run === this.#timers[end.name]);
    if (before >= 0) this.#events.splice(before, 1);
    this.#timers[end.name] = timer;
    this.#at(Math.max(0, deadline - this.now), timer);
  }

  #at(milliseconds: number, run: () => void): void {
    this.#events.push({ at: Math.ceil(this.now + milliseconds), order: ++this.#order, run });
  }
}

/** One in use, those ahead of it, and what was found further ahead. */
const MOST_INBOUND = 8;

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import { Secret } from '../../src/bytes/secret.js';
import type { Connection, Credential, Endpoint } from '../../src/ike/connection.js';
import { IkeEngine } from '../../src/ike/engine.js';
import { onlyAddress } from '../../src/ike/narrowing.js';
import type { CredentialJob, IkeEvent, JobResult } from '../../src/ike/outputs.js';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { SimulatedSad } from '../../src/testing/simulated-sad.js';
import { ANYWHERE, connection, identity, prefix, RIGHT, toyKeyExchange } from './fixtures.js';

/** A host that a gateway assigns one address to, and how it proves who it is. */
interface Host {
  readonly name: string;
  readonly proof: 'key' | 'certificate';
  readonly assigned: Uint8Array;
  readonly at: Endpoint;
}

const DNS = Uint8Array.of(10, 2, 0, 53);
const host = (index: number, changes: Partial<Host> = {}): Host => ({
  name: `host${index}`,
  proof: 'key',
  assigned: Uint8Array.of(10, 99, 0, 10 + index),
  at: { address: Uint8Array.of(198, 51, 100, 1 + index), port: 4500 },
  ...changes,
});
const keyOf = (name: string) => ({ kind: 'psk', key: new Secret(Uint8Array.from(`key of ${name}`, octet)) }) as const;
const octet = (character: string) => character.charCodeAt(0);
const credentialOf = (name: string): Credential => ({
  name,
  algorithms: ['ecdsa-sha2-256'],
  certificates: [Uint8Array.from(name, octet)],
});

/** How one of the two proves itself; `from` proves itself to be `name`, if it can. */
function proofs({ name, proof }: Pick<Host, 'name' | 'proof'>, side: 'host' | 'gateway', from = name) {
  if (proof === 'key') return { localAuthentication: keyOf(from), remoteAuthentication: keyOf(from) };
  const credential = credentialOf(side === 'host' ? from : 'gateway');
  return {
    localAuthentication: { kind: 'signature', credentials: [credential] },
    remoteAuthentication: { kind: 'signature', algorithms: ['ecdsa-sha2-256'] },
  } as const;
}

function atGateway({ name, proof, assigned }: Host): Connection {
  return connection('right', {
    name,
    remote: ANYWHERE,
    remoteIdentity: identity(name),
    ...proofs({ name, proof }, 'gateway'),
    mobike: { returnRoutability: 'before' },
    uniqueness: 'replace',
    configuration: {
      kind: 'server',
      pools: [],
      fixed: [assigned],
      dns: [DNS],
      domains: ['corp.example'],
      required: true,
    },
    children: connection('right').children.map((child) => ({ ...child, name, remote: 'virtual' })),
  });
}

/** The gateway, and hosts that come and go: messages arrive at once. */
class Gateway {
  readonly engine: IkeEngine;
  readonly sad = new SimulatedSad();
  readonly events: IkeEvent[] = [];
  now = 0;
  #turn = 0;

  constructor(hosts: readonly Host[]) {
    this.engine = makeEngine(0, hosts.map(atGateway));
  }

  /** The host begins, as `name` with the secret of `from`. @returns what it was told. */
  visit(visitor: Host, from = visitor.name): readonly IkeEvent[] {
    const { name, at } = visitor;
    const engine = makeEngine(++this.#turn, [
      connection('left', {
        local: at,
        remote: { kind: 'fixed', endpoint: { address: RIGHT, port: 4500 } },
        localIdentity: identity(name),
        ...proofs(visitor, 'host', from),
        mobike: { returnRoutability: 'before' },
        configuration: { kind: 'client', families: [4, 6], dns: true },
        children: connection('left').children.map((child) => ({
          ...child,
          local: 'virtual',
          remote: [prefix(10, 2, 0)],
        })),
      }),
    ]);
    const events: IkeEvent[] = [];
    engine.handle({ kind: 'initiate', connection: 'left-right' }, this.now);
    for (let exchange = 0; exchange < 8; exchange++) {
      this.now += 10;
      for (const octets of drained(engine, this.now, events))
        this.engine.handle({ kind: 'datagram', local: GATEWAY, remote: at, octets }, this.now);
      for (const octets of drained(this.engine, this.now, this.events, this.sad, at))
        engine.handle({ kind: 'datagram', local: at, remote: GATEWAY, octets }, this.now);
    }
    return events;
  }

  configure(hosts: readonly Host[]): void {
    this.engine.handle({ kind: 'configure', connections: hosts.map(atGateway) }, this.now);
    drained(this.engine, this.now, this.events, this.sad);
  }

  /** By connection: where the packets of its Child SA go, and what it may carry. */
  standing() {
    return new Map(
      this.sad
        .standing()
        .map(({ association: { child, remote, remoteEndpoint } }) => [child, { remote, at: remoteEndpoint }] as const),
    );
  }
}

const GATEWAY: Endpoint = { address: RIGHT, port: 4500 };

function makeEngine(seed: number, connections: readonly Connection[]): IkeEngine {
  const random = seededRandom(seed + 1).fill;
  return new IkeEngine({ provider: nodeCryptoProvider, keyExchange: toyKeyExchange, random, connections });
}

/** What an engine sends, to `to` if that is said, its jobs done on the way. */
function drained(engine: IkeEngine, now: number, events: IkeEvent[], sad?: SimulatedSad, to?: Endpoint): Uint8Array[] {
  const sent: Uint8Array[] = [];
  for (let output = engine.poll(); output !== undefined; output = engine.poll()) {
    sad?.apply(output);
    if (output.kind === 'event') events.push(output.event);
    if (output.kind === 'job' && (output.job.kind === 'sign' || output.job.kind === 'verify'))
      engine.handle({ kind: 'job-done', id: output.id, result: judged(output.job) }, now);
    if (output.kind === 'transmit' && (to === undefined || Buffer.compare(output.remote.address, to.address) === 0))
      sent.push(output.octets);
  }
  return sent;
}

/** A signature is the name of the key, and a certificate says whose it is: the gateway's is everybody's to believe. */
function judged(job: CredentialJob): JobResult {
  if (job.kind === 'sign')
    return { kind: 'signed', algorithm: 'ecdsa-sha2-256', signature: Uint8Array.from(job.credential, octet) };
  const text = (octets: Uint8Array) => String.fromCharCode(...octets);
  const signer = text(job.signature);
  const believed = signer === 'gateway' || (signer === job.connection && signer === text(job.identity.data));
  return believed ? { kind: 'verified' } : { kind: 'failed', reason: 'somebody else signed' };
}

const up = ({ assigned, at }: Host) => ({ remote: [onlyAddress(assigned)], at });
const proof = fc.constantFrom('key' as const, 'certificate' as const);

describe('Hosts that come from anywhere', () => {
  it('are told apart by who they say they are: each gets its own address, whatever comes before it', () => {
    fc.assert(
      fc.property(fc.array(proof, { minLength: 2, maxLength: 5 }), fc.infiniteStream(fc.nat()), (kinds, order) => {
        const hosts = kinds.map((kind, index) => host(index, { proof: kind }));
        const shuffled = <Item>(items: readonly Item[]) =>
          items
            .map((item) => ({ item, rank: order.next().value ?? 0 }))
            .sort((left, right) => left.rank - right.rank)
            .map(({ item }) => item);
        const gateway = new Gateway(shuffled(hosts));
        for (const each of shuffled(hosts)) {
          expect(gateway.visit(each)).toContainEqual({
            kind: 'configured',
            connection: 'left-right',
            addresses: [each.assigned],
            dns: [DNS],
            domains: ['corp.example'],
          });
        }
        expect(gateway.standing()).toEqual(new Map(hosts.map((each) => [each.name, up(each)])));
      }),
      { numRuns: 40 },
    );
  });

  it('are told apart where they are behind one NAT, and from one address', () => {
    const [one, other] = [host(0), host(1, { at: { address: host(0).at.address, port: 40_000 } })];
    const gateway = new Gateway([one, other]);
    gateway.visit(one);
    gateway.visit(other);
    expect(gateway.standing()).toEqual(new Map([one, other].map((each) => [each.name, up(each)])));
  });

  it.each(['key', 'certificate'] as const)('are not each other: with the %s of another nobody gets in', (kind) => {
    const [one, other] = [host(0, { proof: kind }), host(1, { proof: kind })];
    const gateway = new Gateway([one, other]);
    gateway.visit(one);
    const told = gateway.visit({ ...one, at: other.at }, other.name);
    expect(told).toMatchObject([{ kind: 'ike-failed', reason: { notify: 'AUTHENTICATION_FAILED' } }]);
    expect(gateway.events.at(-1)).toMatchObject({
      kind: 'ike-attempt-failed',
      connection: one.name,
      reason: { code: 'authentication_failed' },
    });
    expect(gateway.standing()).toEqual(new Map([[one.name, up(one)]]));
  });

  it('keep their address when they come back from another one, and leave nothing behind there', () => {
    const hosts = [host(0), host(1, { proof: 'certificate' })];
    const gateway = new Gateway(hosts);
    for (const each of hosts) gateway.visit(each);
    const elsewhere = hosts.map((each, index) => ({
      ...each,
      at: { address: Uint8Array.of(203, 0, 113, index), port: 61_000 },
    }));
    for (const each of elsewhere) gateway.visit(each);
    expect(gateway.standing()).toEqual(new Map(elsewhere.map((each) => [each.name, up(each)])));
    expect(gateway.engine.establishedPaths()).toHaveLength(2);
  });

  it('have the address of another one as soon as it is theirs, also when that one is silent', () => {
    const [one, other] = [host(0), host(1)];
    const gateway = new Gateway([one, other]);
    gateway.visit(one);
    gateway.visit(other);
    const [next, before] = [
      { ...other, assigned: one.assigned },
      { ...one, assigned: other.assigned },
    ];
    // As the host of the engine does: what is for another peer from now on has an end first.
    gateway.configure([]);
    gateway.configure([next, before]);
    for (const each of [next, before]) gateway.visit(each);
    expect(gateway.standing()).toEqual(new Map([next, before].map((each) => [each.name, up(each)])));
  });
});

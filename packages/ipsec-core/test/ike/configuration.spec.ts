import { afterEach, describe, expect, it, vi } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import type { Connection, HostConfiguration } from '../../src/ike/connection.js';
import { IkeSa } from '../../src/ike/ike-sa.js';
import { everything, onlyAddress } from '../../src/ike/narrowing.js';
import type { IkePair } from '../../src/testing/pair.js';
import { CONFIGURATION_ATTRIBUTE } from '../../src/wire/ike/iana.js';
import type { ConfigurationAttribute } from '../../src/wire/ike/payloads/configuration.js';
import type { WireSelector } from '../../src/wire/ike/payloads/traffic-selector.js';
import { agreement, connection, establishedPair, prefix, toyKeyExchange } from './fixtures.js';

const POOL4 = { first: Uint8Array.of(10, 99, 0, 1), last: Uint8Array.of(10, 99, 0, 2) };
const POOL6 = {
  first: Uint8Array.of(0xfd, ...new Uint8Array(14), 1),
  last: Uint8Array.of(0xfd, ...new Uint8Array(14), 2),
};
const DNS4 = Uint8Array.of(10, 2, 0, 53);
const DNS6 = Uint8Array.of(0xfd, 2, ...new Uint8Array(13), 53);

const NETWORKS = [prefix(10, 2, 0), onlyAddress(DNS6)];
const CLIENT: HostConfiguration = { kind: 'client', families: [4, 6], dns: true };
const SERVER: HostConfiguration = {
  kind: 'server',
  pools: [POOL4, POOL6],
  dns: [DNS4, DNS6],
  domains: ['corp.example', 'lab.example'],
  required: true,
};

/** `left` is the client of a virtual address, `right` assigns it. */
function remoteAccess(
  left: HostConfiguration | 'nothing' = CLIENT,
  right: HostConfiguration = SERVER,
  networks: readonly WireSelector[] = NETWORKS,
): IkePair {
  const virtual = (side: 'left' | 'right', changes: Partial<Connection>): Partial<Connection> => ({
    ...changes,
    children: connection(side).children.map((child) =>
      side === 'left'
        ? { ...child, local: left === 'nothing' ? [everything(4)] : 'virtual', remote: [everything(4), everything(6)] }
        : { ...child, remote: 'virtual', local: networks },
    ),
  });
  return establishedPair({
    keyExchange: toyKeyExchange,
    engine: { provider: nodeCryptoProvider },
    leftConnection: virtual('left', left === 'nothing' ? {} : { configuration: left }),
    rightConnection: virtual('right', { configuration: right }),
  });
}

/** From now on a server answers with what `change` makes of the attributes. */
function answering(change: (attributes: readonly ConfigurationAttribute[]) => readonly ConfigurationAttribute[]): void {
  const { respond } = IkeSa.prototype;
  vi.spyOn(IkeSa.prototype, 'respond').mockImplementation(function (this: IkeSa, exchange, payloads, now) {
    const changed = payloads.map((payload) =>
      payload.kind === 'CP' ? { ...payload, attributes: change(payload.attributes) } : payload,
    );
    return respond.call(this, exchange, changed, now);
  });
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('Configuration payload (RFC 7296 section 3.15, RFC 8598)', () => {
  it('assigns addresses of both families, name servers and the domains that they are for', () => {
    const pair = remoteAccess();
    expect(pair.left.events[0]).toEqual({
      kind: 'configured',
      connection: 'left-right',
      addresses: [POOL4.first, POOL6.first],
      dns: [DNS4, DNS6],
      domains: ['corp.example', 'lab.example'],
    });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    const assigned = [onlyAddress(POOL4.first), onlyAddress(POOL6.first)];
    expect(pair.left.sad.standing()[0]?.association.local).toEqual(assigned);
    expect(pair.right.sad.standing()[0]?.association.remote).toEqual(assigned);
  });

  it('takes no domains where everything goes to the peer: they are for split tunnels alone (RFC 8598 section 8)', () => {
    const pair = remoteAccess(CLIENT, SERVER, [everything(4), everything(6)]);
    expect(pair.left.events[0]).toMatchObject({ kind: 'configured', dns: [DNS4, DNS6], domains: [] });
  });

  it('takes no domains without a name server for them, nor where it asked for none (RFC 8598 sections 3 and 3.1)', () => {
    const { INTERNAL_IP4_DNS, INTERNAL_IP6_DNS, INTERNAL_DNS_DOMAIN } = CONFIGURATION_ATTRIBUTE;
    answering((attributes) => attributes.filter(({ type }) => type !== INTERNAL_IP4_DNS && type !== INTERNAL_IP6_DNS));
    expect(remoteAccess().left.events[0]).toMatchObject({ kind: 'configured', dns: [], domains: [] });
    vi.restoreAllMocks();
    const domain = { type: INTERNAL_DNS_DOMAIN, value: Uint8Array.from('corp', (letter) => letter.charCodeAt(0)) };
    answering((attributes) => [...attributes, { type: INTERNAL_IP4_DNS, value: DNS4 }, domain]);
    const pair = remoteAccess({ kind: 'client', families: [4], dns: false });
    expect(pair.left.events[0]).toMatchObject({ kind: 'configured', addresses: [POOL4.first], dns: [], domains: [] });
  });

  it('passes over a trust anchor for a domain, which it never asks for (RFC 8598 section 6)', () => {
    const anchor = { type: 26, value: Uint8Array.of(0, 1, 8, 2, 1, 2, 3, 4) };
    answering((attributes) => [...attributes, anchor]);
    const pair = remoteAccess();
    expect(pair.left.events[0]).toMatchObject({ domains: ['corp.example', 'lab.example'] });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('keeps the addresses over rekeys of both kinds, and gives them back at the end', () => {
    const pair = remoteAccess();
    pair.give(pair.left, { kind: 'rekey-ike', connection: 'left-right' });
    pair.runFor(1000);
    pair.give(pair.right, { kind: 'rekey-child', inboundSpi: pair.right.sad.current()?.association.inboundSpi ?? 0 });
    pair.runFor(6000);
    expect(pair.left.sad.standing()[0]?.association.local).toEqual([
      onlyAddress(POOL4.first),
      onlyAddress(POOL6.first),
    ]);
    const pools = pair.right.engine.associations()[0]?.host.addressPools;
    expect([pools?.lease(POOL4, 'a'), pools?.lease(POOL4, 'b')]).toEqual([POOL4.last, undefined]);
    pair.give(pair.left, { kind: 'delete-ike', connection: 'left-right' });
    pair.runFor(1000);
    expect(pools?.lease(POOL4, 'b')).toEqual(POOL4.first);
  });

  it('gives only what is asked for', () => {
    const pair = remoteAccess({ kind: 'client', families: [6], dns: false });
    expect(pair.left.events[0]).toMatchObject({ addresses: [POOL6.first], dns: [], domains: [] });
  });

  it('gives a peer the address that is its own, and of the other family one of a pool', () => {
    const own = Uint8Array.of(10, 98, 0, 7);
    const pair = remoteAccess(CLIENT, { ...SERVER, fixed: [own] });
    expect(pair.left.events[0]).toMatchObject({ kind: 'configured', addresses: [own, POOL6.first] });
    expect(pair.right.sad.standing()[0]?.association.remote).toEqual([onlyAddress(own), onlyAddress(POOL6.first)]);
    expect(pair.right.engine.associations()[0]?.host.addressPools.lease(POOL4, 'a')).toEqual(POOL4.first);
  });

  it('says when no address is left: the IKE SA stands, without a Child SA', () => {
    const pair = remoteAccess({ kind: 'client', families: [4], dns: false }, { ...SERVER, pools: [POOL6] });
    expect(pair.left.events).toMatchObject([
      { kind: 'child-failed', reason: { code: 'peer_refused', notify: 'INTERNAL_ADDRESS_FAILURE' } },
      { kind: 'ike-established' },
    ]);
    expect(pair.right.events[0]).toMatchObject({ kind: 'child-failed', reason: { code: 'no_address' } });
  });

  it('says when a peer must ask and does not', () => {
    const pair = remoteAccess('nothing');
    expect(pair.left.events[0]).toMatchObject({ reason: { notify: 'FAILED_CP_REQUIRED' } });
    expect(pair.right.events[0]).toMatchObject({ reason: { code: 'configuration_required' } });
  });

  it('takes no name into a resolver that is none', () => {
    const domains = ['ok.example', 'a\nb.example', '-x.example', 'nul\0.example', `${'a'.repeat(64)}.example`];
    const pair = remoteAccess(CLIENT, { ...SERVER, domains });
    expect(pair.left.events[0]).toMatchObject({ domains: ['ok.example'] });
  });
});

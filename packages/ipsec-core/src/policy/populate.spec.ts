import { describe, expect, it } from 'vitest';
import { selector } from '../../test/support/planes.js';
import { parseAddress } from '../wire/ip/address.js';
import { type PacketSelectors, populate } from './populate.js';
import type { SecurityPolicy, SelectorField } from './security-policy.js';
import type { TrafficSelector } from './selector.js';

const S = parseAddress('10.1.0.7');
const D = parseAddress('192.0.2.3');
const TCP: PacketSelectors = { localAddress: S, remoteAddress: D, protocol: 6, localPort: 1000, remotePort: 443 };
const only = (first: number) => [{ first, last: first }];

function populated(
  fields: readonly SelectorField[],
  sets: readonly TrafficSelector[],
  packet = TCP,
): readonly TrafficSelector[] {
  const entry: SecurityPolicy = {
    entryId: 'e',
    ruleId: 'r',
    selectors: sets,
    action: 'PROTECT',
    tunnelId: 't',
    populateFromPacket: fields,
  };
  return populate(entry, packet);
}

describe('values of an association from entry and packet (RFC 4301 section 4.4.2.2)', () => {
  const ranges = selector(['10.1.0.0/16'], ['192.0.2.0/28'], {
    protocol: 6,
    localPorts: [{ first: 1, last: 2000 }],
    remotePorts: [...only(80), { first: 400, last: 500 }],
  });
  const any = selector([], []);
  const host = (address: Uint8Array) => [{ first: address, last: address }];

  it.each([
    ['loc addr', 'localAddress', ranges, { localAddresses: host(S) }],
    ['loc addr', 'localAddress', any, { localAddresses: host(S) }],
    ['rem addr', 'remoteAddress', ranges, { remoteAddresses: host(D) }],
    ['rem addr', 'remoteAddress', any, { remoteAddresses: host(D) }],
    ['protocol', 'protocol', ranges, { protocol: 6 }],
    ['protocol', 'protocol', any, { protocol: 6 }],
    ['loc port', 'localPort', ranges, { localPorts: only(1000) }],
    ['loc port', 'localPort', selector([], [], { protocol: 6 }), { localPorts: only(1000) }],
    ['rem port', 'remotePort', ranges, { remotePorts: only(443) }],
    ['rem port', 'remotePort', selector([], [], { protocol: 6 }), { remotePorts: only(443) }],
  ] as const)('%s: with the flag of %s the packet decides, without it the entry', (_, field, set, changed) => {
    expect(populated([field], [set])).toEqual([{ ...set, ...changed }]);
    expect(populated([], [set])).toEqual([set]);
  });

  it('takes ICMP type and code as one value, and leaves alone the ports of a protocol that has none', () => {
    const echo = { ...TCP, protocol: 1, localPort: 0x0800, remotePort: 0x0800 };
    const icmp = selector([], [], { protocol: 1 });
    expect(populated(['localPort'], [icmp], echo)).toEqual([{ ...icmp, localPorts: only(0x0800) }]);
    const ospf = { ...TCP, protocol: 89, localPort: 'opaque', remotePort: 'opaque' } as const;
    expect(populated(['protocol', 'localPort', 'remotePort'], [any], ospf)).toEqual([{ ...any, protocol: 89 }]);
  });

  it('applies a flag to every selector set, and drops those that cannot have the value', () => {
    const sets = [
      selector(['10.1.0.0/16'], ['192.0.2.0/28'], { protocol: 6 }),
      selector(['10.1.0.0/16'], ['192.0.2.0/28'], { protocol: 17 }),
      selector(['10.9.0.0/16'], ['192.0.2.0/28'], { protocol: 6 }),
    ];
    expect(populated(['remoteAddress'], sets)).toEqual(sets.map((set) => ({ ...set, remoteAddresses: host(D) })));
    expect(populated(['localAddress'], sets)).toEqual(
      sets.slice(0, 2).map((set) => ({ ...set, localAddresses: host(S) })),
    );
    expect(populated(['protocol'], sets)).toEqual([sets[0], sets[2]]);
  });
});

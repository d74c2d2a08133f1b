import { describe, expect, it } from 'vitest';
import { ipPacket } from '../../test/support/packets.js';
import { bypass, plane, protect, selector } from '../../test/support/planes.js';
import { ID_TYPE } from '../wire/ike/iana.js';
import { parsePrefix } from '../wire/ip/address.js';
import { bindNamedPolicy, policiesNamed } from './named-policy.js';
import type { ProtectPolicy } from './security-policy.js';
import { createSecurityPolicyDatabase } from './spd.js';

const warriors: ProtectPolicy = {
  ...(protect('warriors', selector(['10.2.0.0/16'], ['10.9.0.0/24', '10.9.1.0/24'])) as ProtectPolicy),
  names: [{ kind: 'email-address', address: '@example.com' }],
};
const range = (prefix: string) => parsePrefix(prefix).range;
const peer = (...prefixes: string[]) => ({ entryId: 'mozart', tunnelId: 'm', addresses: prefixes.map(range) });
const mozart = { type: ID_TYPE.RFC822_ADDR, data: Uint8Array.from(Buffer.from('mozart@example.com')) };

describe('named SPD entries (RFC 4301 section 4.4.1.1, Name)', () => {
  it('are found by the identity of a peer, and become entries for its address', () => {
    const policies = [protect('e', selector([], [])), warriors, bypass('b', selector([], []))];
    expect(policiesNamed(policies, mozart)).toEqual([warriors]);
    expect(policiesNamed(policies, { ...mozart, type: ID_TYPE.FQDN })).toEqual([]);
    expect(bindNamedPolicy(warriors, peer('10.9.1.7/32'))).toEqual(
      protect('mozart', selector(['10.2.0.0/16'], ['10.9.1.7/32']), 'm'),
    );
  });

  it('do not let a peer have addresses that they do not give', () => {
    expect(bindNamedPolicy(warriors, peer('10.2.0.1/32'))).toBeUndefined();
    expect(bindNamedPolicy(warriors, peer('0.0.0.0/0'))?.selectors).toEqual([
      selector(['10.2.0.0/16'], ['10.9.0.0/24', '10.9.1.0/24']),
    ]);
    const anywhere = { ...warriors, selectors: [selector(['10.2.0.0/16'], [])] };
    expect(bindNamedPolicy(anywhere, peer('192.0.2.1/32'))?.selectors).toEqual([
      selector(['10.2.0.0/16'], ['192.0.2.1/32']),
    ]);
  });

  it('match no packet themselves', () => {
    const a = plane([warriors]);
    const packet = ipPacket({ source: '10.2.0.1', destination: '10.9.0.1' });
    expect(a.protect(packet, 0, packet.length, new Uint8Array(100), 0, 0).reason).toBe('no_policy');
    expect(a.tunnels()).toEqual([]);
    const bound = bindNamedPolicy(warriors, peer('10.9.0.1/32'));
    a.installPolicy(createSecurityPolicyDatabase([...(bound === undefined ? [] : [bound]), warriors]));
    expect(a.protect(packet, 0, packet.length, new Uint8Array(100), 0, 0).reason).toBe('no_association');
    const malformed = { ...warriors, names: [{ kind: 'dns-name', name: 'a b' } as const] };
    expect(() => createSecurityPolicyDatabase([malformed])).toThrowError(/^\[0\]\.names\[0\]\.name/);
  });
});

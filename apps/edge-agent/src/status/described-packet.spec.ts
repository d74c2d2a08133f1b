import { createDataPlane, createSecurityPolicyDatabase, nobleProvider, parsePrefix } from '@weft/ipsec-core';
import { describe, expect, it } from 'vitest';
import { describedPacket } from './described-packet.js';
import { packetAccount, renderPacketAccount } from './packet-account.js';

const hex = (packet: Uint8Array) => Buffer.from(packet).toString('hex');

describe('a packet that is described', () => {
  it('is that packet', () => {
    expect(hex(describedPacket(['10.1.0.7', '10.2.0.9', 'tcp', '443', '60']))).toMatch(
      /^4500003c00004000400600000a0100070a020009c00001bb0{16}5002/,
    );
    expect(hex(describedPacket(['10.1.0.7:5000', '10.2.0.9', 'udp', '53', '60']))).toMatch(
      /^45.{16}11.{20}138800350028/,
    );
    expect(hex(describedPacket(['[2001:db8::1]:5000', '2001:db8::2', 'udp', '53', '80']))).toMatch(/^60000000002811/);
    expect(describedPacket(['10.1.0.7', '10.2.0.9'])).toHaveLength(84);
    expect(describedPacket(['2001:db8::1', '2001:db8::2'])[6]).toBe(58);
    expect(describedPacket(['10.1.0.7', '10.2.0.9', '47'])[9]).toBe(47);
    expect(hex(describedPacket([`45${'00'.repeat(19)}`]))).toBe(`45${'00'.repeat(19)}`);
  });

  it.each([
    [[], /source and a destination/],
    [['10.1.0.7', '2001:db8::1'], /two families/],
    [['10.1.0.7', '10.2.0.9', 'tcp'], /port of the destination/],
    [['10.1.0.7', '10.2.0.9', 'tcp', '70000'], /the port is a number from 0 to 65535/],
    [['10.1.0.7', '10.2.0.9', 'gre'], /gre is no protocol/],
    [['10.1.0.7', '10.2.0.9', 'icmp', '20'], /the length is a number from 40/],
    [['10.1.0', '10.2.0.9'], /10\.1\.0/],
  ])('%j is none', (words, message) => {
    expect(() => describedPacket(words)).toThrow(message);
  });

  it('is explained in the words of the fabric, as the engine decides', () => {
    const dataPlane = createDataPlane({ provider: nobleProvider, random: (out) => out.fill(1) });
    const selector = {
      localAddresses: [parsePrefix('10.1.0.0/24').range],
      remoteAddresses: [parsePrefix('10.2.0.0/24').range],
      protocol: 6,
      localPorts: [],
      remotePorts: [{ first: 443, last: 443 }],
    };
    const policy = {
      entryId: 'web',
      ruleId: 'r',
      action: 'PROTECT',
      tunnelId: 't',
      selectors: [selector],
    } as const;
    dataPlane.installPolicy(createSecurityPolicyDatabase([policy]));
    const explain = (words: readonly string[]) => {
      const packet = describedPacket(words);
      const account = packetAccount(dataPlane.explain(packet, 0, packet.length, 0), undefined);
      return { account, text: renderPacketAccount(account, packet) };
    };
    const web = explain(['10.1.0.7', '10.2.0.9', 'tcp', '443']);
    expect(web.account).toMatchObject({ verdict: 'discard', reason: 'no_association', tunnel: { id: 't' } });
    expect(web.text).toContain('decided by   entry 1, web, of rule r');
    expect(explain(['10.1.0.7', '10.2.0.9', 'tcp', '80']).text).toMatch(/discard: no_policy\ndecided by {3}no entry/);
    const { tunnelId: _, ...byAddress } = policy;
    const carrier = { tunnelId: 't', addresses: [parsePrefix('10.2.0.0/25').range] };
    dataPlane.installPolicy(createSecurityPolicyDatabase([byAddress], [carrier]));
    expect(explain(['10.1.0.7', '10.2.0.9', 'tcp', '443']).account).toEqual(web.account);
    const nobody = explain(['10.1.0.7', '10.2.0.200', 'tcp', '443']);
    expect(nobody.account).toMatchObject({
      verdict: 'discard',
      reason: 'no_tunnel',
      entry: { entryId: 'web' },
      tunnel: null,
    });
    expect(nobody.text).toMatch(/of rule r\ntunnel {7}none: no tunnel of this edge carries the remote address$/);
  });
});

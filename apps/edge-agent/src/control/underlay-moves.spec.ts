import { parseAddress, parsePrefix } from '@weft/ipsec-core';
import { type Endpoint, ERRNO, SystemCallError } from '@weft/linux-io';
import { describe, expect, it } from 'vitest';
import type { UnderlayAddress, VerifiedBundle } from './bundle/verified-bundle.js';
import { System } from './system.js';
import { underlayAddressOf } from './underlay-follower.js';

const HOME = Uint8Array.of(192, 0, 2, 1);
const AWAY = Uint8Array.of(198, 51, 100, 1);
const SIX = new Uint8Array(16).fill(1);
const BEHIND = Uint8Array.of(10, 2, 0, 2);
const ALSO_BEHIND = Uint8Array.of(10, 2, 0, 3);
const networks = [parsePrefix('2001:db8::/32'), parsePrefix('10.2.0.0/24')];
const underlay: UnderlayAddress = { text: '192.0.2.1', octets: HOME, port: 4500 };

/** A machine with addresses; its packet path takes sockets. */
function setUp(present: Uint8Array[] = [HOME]) {
  const open: string[] = [];
  const rebound: (readonly number[])[] = [];
  const machine = { present, refuses: false };
  let fd = 10;
  const has = (address: Uint8Array) => machine.present.some((own) => Buffer.compare(own, address) === 0);
  const system = new System({
    network: {} as never,
    dataPlane: {
      rebind: async (socketFds: readonly number[]) => {
        if (machine.refuses) throw new Error('the packet path ended');
        rebound.push(socketFds);
      },
    } as never,
    openSockets: (endpoint: Endpoint, { mayLackAddress }) => {
      if (open.some((name) => name.startsWith(`${endpoint.address.join('.')} `)))
        throw new SystemCallError('bind', ERRNO.EADDRINUSE, 'UDP port 4500');
      if (!mayLackAddress && !has(endpoint.address))
        throw new SystemCallError('bind', ERRNO.EADDRNOTAVAIL, 'UDP port 4500');
      const name = `${endpoint.address.join('.')} ${++fd}`;
      open.push(name);
      const close = () => void open.splice(open.indexOf(name), 1);
      return [{ fd, localEndpoint: () => endpoint, close } as never];
    },
    elsewhere: (configured, localNetworks) => underlayAddressOf(configured, machine.present, localNetworks),
  });
  /** A bundle with several uplinks, preferred first. */
  const bindAll = (...texts: string[]) => {
    const [first = underlay, ...others] = texts.map((text) => ({ text, octets: parseAddress(text), port: 4500 }));
    const command = { kind: 'bind_underlay', underlay: { ...first, others }, contentHash: undefined } as const;
    return system.execute(command, new Map());
  };
  const bind = (...modes: ('ikev2' | 'ike-less')[]) => {
    const tunnels = new Map(modes.map((mode, index) => [`${index}`, { keying: { mode } }]));
    const bundles = new Map([['aa', { tunnels, localNetworks: [], mappings: [] } as unknown as VerifiedBundle]]);
    return system.execute({ kind: 'bind_underlay', underlay, contentHash: 'aa' }, bundles);
  };
  return { system, machine, open, rebound, bind, bindAll };
}

describe('An underlay that moves', () => {
  it('has another socket in the packet path first, and then the old one is closed', async () => {
    const { system, machine, open, rebound, bind } = setUp();
    await bind();
    machine.present = [AWAY];
    await system.moveUnderlay(AWAY);
    expect([open, rebound]).toEqual([['192.0.2.1 11', '198.51.100.1 12'], [[12]]]);
    system.releaseUnused();
    expect(open).toEqual(['198.51.100.1 12']);
    expect(system.underlaySocket.localEndpoint()).toEqual({ address: AWAY, port: 4500 });
  });

  it('is still that of the bundle: the next bundle with the same one binds nothing', async () => {
    const { system, machine, open, bind } = setUp();
    await bind();
    machine.present = [AWAY];
    await system.moveUnderlay(AWAY);
    system.releaseUnused();
    await bind();
    expect(open).toEqual(['198.51.100.1 12']);
  });

  it('stays where it is when the new address cannot be bound, or the packet path does not take it', async () => {
    const { system, machine, open, bind } = setUp();
    await bind();
    await expect(system.moveUnderlay(AWAY)).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
    machine.present = [HOME, AWAY];
    machine.refuses = true;
    await expect(system.moveUnderlay(AWAY)).rejects.toThrow('ended');
    system.releaseUnused();
    expect(open).toEqual(['192.0.2.1 11']);
    expect(system.underlaySocket.localEndpoint().address).toEqual(HOME);
  });

  it('begins elsewhere when the machine has not got the address of its bundle', async () => {
    const { open, bind } = setUp([SIX, AWAY]);
    await bind('ikev2', 'ikev2');
    expect(open).toEqual(['198.51.100.1 11']);
    await expect(setUp([SIX]).bind('ikev2')).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
  });

  it('begins nowhere else when a peer would not hear of it: keys of the controller come without IKE', async () => {
    const { open, bind } = setUp([SIX, AWAY]);
    await expect(bind('ikev2', 'ike-less')).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
    expect(open).toEqual([]);
  });
});

describe('An edge with several uplinks', () => {
  const told = ({ otherSockets }: System) => otherSockets.map((socket) => socket.localEndpoint().address);

  it('has a socket on each, also where the machine has not got the address now', async () => {
    const { system, open, bindAll } = setUp([AWAY]);
    await bindAll('192.0.2.1', '198.51.100.1', '101:101:101:101:101:101:101:101');
    expect(open).toHaveLength(3);
    expect(system.underlaySocket.localEndpoint().address).toEqual(HOME);
    expect(told(system)).toEqual([AWAY, SIX]);
  });

  it('keeps those that it has when the order is another, and closes what no bundle wants any more', async () => {
    const { system, open, bindAll } = setUp([HOME, AWAY]);
    await bindAll('192.0.2.1', '198.51.100.1');
    const before = [...open];
    await bindAll('198.51.100.1', '192.0.2.1');
    system.releaseUnused();
    expect(open).toEqual(before);
    expect([system.underlaySocket.localEndpoint().address, ...told(system)]).toEqual([AWAY, HOME]);
    await bindAll('192.0.2.1');
    expect(open).toEqual(before);
    system.releaseUnused();
    expect(open).toEqual(before.slice(0, 1));
    system.close();
    expect(open).toEqual([]);
  });
});

describe('Where the underlay is to be', () => {
  it.each([
    ['at its own address, wherever that stands', [SIX, AWAY, HOME], HOME],
    ['else at the first of its family', [SIX, AWAY, Uint8Array.of(203, 0, 113, 1)], AWAY],
    ['else nowhere', [SIX], undefined],
  ])('%s', (_where, addresses, expected) => {
    expect(underlayAddressOf(HOME, addresses, [])).toEqual(expected);
  });

  it('moves to no address that is behind the edge, whose traffic is protected', () => {
    expect(underlayAddressOf(HOME, [BEHIND, AWAY], networks, HOME)).toEqual(AWAY);
    expect(underlayAddressOf(HOME, [BEHIND], networks, HOME)).toBeUndefined();
    expect(underlayAddressOf(HOME, [SIX, BEHIND], networks, AWAY)).toBeUndefined();
  });

  it('is behind the edge where that has but one interface: as configured, or found so at the start', () => {
    expect(underlayAddressOf(BEHIND, [AWAY, BEHIND], networks, BEHIND)).toEqual(BEHIND);
    expect(underlayAddressOf(HOME, [BEHIND], networks)).toEqual(BEHIND);
    expect(underlayAddressOf(HOME, [ALSO_BEHIND], networks, BEHIND)).toEqual(ALSO_BEHIND);
    expect(underlayAddressOf(HOME, [BEHIND, AWAY], networks)).toEqual(AWAY);
  });
});

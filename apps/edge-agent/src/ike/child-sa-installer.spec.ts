import { randomFillSync } from 'node:crypto';
import { createDataPlane, parseAddress, Secret, type TravelParameters } from '@weft/ipsec-core';
import type { ChildAssociation, IkeOutput } from '@weft/ipsec-core/ike';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import { describe, expect, it } from 'vitest';
import { ChildSaInstaller } from './child-sa-installer.js';

const EVERYTHING = [4, 16].map((octets) => ({
  type: 'range' as const,
  protocol: 0,
  startPort: 0,
  endPort: 0xffff,
  first: new Uint8Array(octets),
  last: new Uint8Array(octets).fill(0xff),
}));

type InstallChild = Extract<IkeOutput, { kind: 'install-child' }>;

/** The real SAD, without its thread. */
function setUp(withoutNat: 'udp' | 'native' = 'udp') {
  const dataPlane = createDataPlane({ provider: nodeCryptoProvider, random: (out) => void randomFillSync(out) });
  let broken: Error | undefined;
  const redirected: string[] = [];
  const written: string[] = [];
  const failures: string[] = [];
  const timers: { readonly milliseconds: number; readonly run: () => void }[] = [];
  const installer = new ChildSaInstaller(
    {
      install: async (associations, remote) => {
        for (const association of associations) {
          dataPlane.install(association, 0);
          if (association.direction === 'outbound') written.push(travelText(association.spi, association));
        }
        if (remote !== undefined) redirected.push(Buffer.from(remote.socketAddress).toString('hex'));
      },
      remove: async (inbound, outbound) => {
        if (broken !== undefined) throw broken;
        for (const spi of inbound) dataPlane.removeInbound(spi);
        for (const { tunnelId, spi } of outbound) dataPlane.removeOutbound(tunnelId, spi);
      },
      expect: async () => undefined,
      move: async ({ tunnelId, spi }, travel) => {
        expect(dataPlane.moveOutbound(tunnelId, spi, travel)).toBe(true);
        written.push(travelText(spi, travel));
      },
      redirect: async ({ socketAddress }) => void redirected.push(Buffer.from(socketAddress).toString('hex')),
    },
    ({ child }) =>
      child === 'net'
        ? { tunnelId: 'net', replayWindow: 64, hardLifetime: 1000, withoutNat, mode: 'tunnel' }
        : undefined,
    (milliseconds, run) => {
      const timer = { milliseconds, run };
      timers.push(timer);
      return () => timers.splice(timers.indexOf(timer), 1);
    },
    (inboundSpi, error) => failures.push(`${inboundSpi}: ${String(error)}`),
  );
  const installed = () =>
    dataPlane.associations().map(({ direction, spi, current }) => `${direction} ${spi}${current ? '' : ' retired'}`);
  const fail = (error: Error) => {
    broken = error;
  };
  return { installer, dataPlane, installed, redirected, written, timers, failures, fail };
}

function travelText(spi: number, { outer }: TravelParameters): string {
  return outer === undefined ? `${spi} by the socket` : `${spi} ${outer.local.join('.')} ${outer.remote.join('.')}`;
}

function child(inboundSpi: number, outboundSpi: number, changes: Partial<ChildAssociation> = {}): InstallChild {
  const keyOctets = changes.suite === AH ? 32 : 20;
  return {
    kind: 'install-child',
    association: {
      connection: 'c',
      child: 'net',
      inboundSpi,
      outboundSpi,
      suite: {
        protocol: 'esp',
        encryption: 'aes-gcm-16',
        keyBits: 128,
        integrity: undefined,
        extendedSequenceNumbers: true,
        keyExchange: undefined,
        additionalKeyExchanges: [],
      },
      mode: 'tunnel',
      tfcPadding: true,
      nonFirstFragmentsAlso: false,
      local: EVERYTHING,
      remote: EVERYTHING,
      encapsulate: true,
      localEndpoint: { address: Uint8Array.of(192, 0, 2, 1), port: 4500 },
      remoteEndpoint: { address: Uint8Array.of(192, 0, 2, 2), port: 4500 },
      ...changes,
    },
    inboundKey: new Secret(new Uint8Array(keyOctets).fill(1)),
    outboundKey: new Secret(new Uint8Array(keyOctets).fill(2)),
    useOutbound: true,
  };
}

const AH = {
  protocol: 'ah',
  integrity: 'hmac-sha2-256-128',
  keyBits: undefined,
  extendedSequenceNumbers: true,
  keyExchange: undefined,
  additionalKeyExchanges: [],
} as const;

describe('Child SAs in the packet path', () => {
  it('has both directions, sends to the peer, and keeps no key', async () => {
    const { installer, installed, redirected } = setUp();
    const output = child(1001, 2001);
    await installer.install(output);
    expect(installed()).toEqual(['inbound 1001', 'outbound 2001']);
    expect(redirected).toEqual(['02001194c00002020000000000000000']);
    expect(output.inboundKey.reveal((octets) => [...octets])).toEqual(new Array(20).fill(0));
    expect(output.outboundKey.reveal((octets) => [...octets])).toEqual(new Array(20).fill(0));
  });

  it('never sends ESP to port 500: there, it would be taken for IKE', async () => {
    const { installer, redirected } = setUp();
    await installer.install(child(1001, 2001, { remoteEndpoint: { address: Uint8Array.of(192, 0, 2, 2), port: 500 } }));
    expect(redirected).toEqual(['02001194c00002020000000000000000']);
  });

  it('hears a successor before it speaks through it', async () => {
    const { installer, installed } = setUp();
    await installer.install(child(1001, 2001));
    await installer.install({ ...child(1002, 2002), useOutbound: false });
    expect(installed()).toEqual(['inbound 1001', 'inbound 1002', 'outbound 2001']);
    await installer.useOutbound(1002);
    expect(installed()).toEqual(['inbound 1001', 'inbound 1002', 'outbound 2001 retired', 'outbound 2002']);
    await installer.useOutbound(1002);
    expect(installed()).toHaveLength(4);
  });

  it('goes on hearing a replaced one for a moment', async () => {
    const { installer, installed, timers } = setUp();
    await installer.install(child(1001, 2001));
    await installer.install(child(1002, 2002));
    await installer.remove(1001);
    expect(installed()).toEqual(['inbound 1001', 'inbound 1002', 'outbound 2002']);
    expect(timers).toMatchObject([{ milliseconds: 5000 }]);
    timers[0]?.run();
    expect(installed()).toEqual(['inbound 1002', 'outbound 2002']);
  });

  it('says when it could not stop hearing one', async () => {
    const { installer, timers, failures, fail } = setUp();
    await installer.install(child(1001, 2001));
    await installer.install(child(1002, 2002));
    await installer.remove(1001);
    fail(new Error('the worker ended'));
    timers[0]?.run();
    await expect.poll(() => failures).toEqual(['1001: Error: the worker ended']);
  });

  it('moves with its peer, and with those that are to be used later too', async () => {
    const { installer, redirected } = setUp();
    const remoteEndpoint = { address: Uint8Array.of(198, 51, 100, 7), port: 40_000 };
    await installer.install(child(1001, 2001));
    await installer.install({ ...child(1002, 2002), useOutbound: false });
    await installer.move(child(1001, 2001, { remoteEndpoint }).association);
    await installer.move(child(1002, 2002, { remoteEndpoint }).association);
    await installer.move(child(1003, 2003).association);
    await installer.useOutbound(1002);
    await installer.reassert();
    const [before, moved] = ['02001194c00002020000000000000000', '02009c40c63364070000000000000000'];
    expect(redirected).toEqual([before, moved, moved, moved]);
    expect(installer.associations().map((association) => association.remoteEndpoint)).toEqual([
      remoteEndpoint,
      remoteEndpoint,
    ]);
  });

  it('keeps sequence numbers and replay window when it moves', async () => {
    const { installer, dataPlane } = setUp();
    await installer.install(child(1001, 2001));
    const before = dataPlane.associations();
    await installer.move(
      child(1001, 2001, { remoteEndpoint: { address: Uint8Array.of(198, 51, 100, 7), port: 40_000 } }).association,
    );
    expect(dataPlane.associations()).toEqual(before);
  });

  it('moves without UDP, one that is to be used later as well: in UDP until it is known that there is no NAT', async () => {
    const { installer, dataPlane, written, redirected } = setUp('native');
    await installer.install(child(1001, 2001, { encapsulate: false }));
    await installer.install({ ...child(1002, 2002, { encapsulate: false }), useOutbound: false });
    const before = dataPlane.associations();
    const remoteEndpoint = { address: Uint8Array.of(198, 51, 100, 7), port: 4500 };
    for (const encapsulate of [true, false]) {
      for (const spi of [1001, 1002]) {
        const { association } = child(spi, spi + 1000, { encapsulate, remoteEndpoint });
        expect(await installer.move(association)).toBe(true);
      }
    }
    expect(dataPlane.associations()).toEqual(before);
    await installer.useOutbound(1002);
    expect(written).toEqual([
      '2001 192.0.2.1 192.0.2.2',
      '2001 by the socket',
      '2001 192.0.2.1 198.51.100.7',
      '2002 192.0.2.1 198.51.100.7',
    ]);
    expect(redirected.at(-1)).toBe('02001194c63364070000000000000000');
  });

  const six = {
    localEndpoint: { address: parseAddress('2001:db8::1'), port: 4500 },
    remoteEndpoint: { address: parseAddress('2001:db8::2'), port: 4500 },
  };
  it.each([
    ['it has been in UDP, and its peer need not hear anything else', { encapsulate: true }, { encapsulate: false }],
    ['the addresses are of another family', { encapsulate: false }, { encapsulate: false, ...six }],
    ['AH would have to go in UDP', { encapsulate: false, suite: AH }, { encapsulate: true, suite: AH }],
  ])('does not move when %s: it stays until it is replaced', async (_, as, changes) => {
    const { installer, redirected, written } = setUp('native');
    const installed = child(1001, 2001, as);
    await installer.install(installed);
    const before = [redirected.length, written.length];
    expect(await installer.move(child(1001, 2001, changes).association)).toBe(false);
    expect(installer.associations()).toEqual([installed.association]);
    expect([redirected.length, written.length]).toEqual(before);
  });

  it('stops hearing at once when there is no successor', async () => {
    const { installer, installed, timers } = setUp();
    await installer.install(child(1001, 2001));
    await installer.remove(1001);
    await installer.remove(1001);
    expect([installed(), timers]).toEqual([[], []]);
  });

  it('takes an SPI again that lingers, and forgets all that lingers when it closes', async () => {
    const { installer, installed, timers } = setUp();
    await installer.install(child(1001, 2001));
    await installer.install(child(1002, 2002));
    await installer.remove(1001);
    await installer.install(child(1001, 2003));
    expect(timers).toEqual([]);
    await installer.remove(1002);
    await installer.close();
    expect([installed(), timers]).toEqual([['inbound 1001', 'outbound 2003'], []]);
  });

  it('drops a tunnel with all that it has, at once, and has nothing left for what the engine says of it later', async () => {
    const { installer, installed, timers } = setUp();
    await installer.install(child(1001, 2001));
    await installer.install(child(1002, 2002));
    await installer.remove(1001);
    expect(timers).not.toEqual([]);
    await installer.drop('another tunnel');
    expect(installed()).toContain('inbound 1001');
    await installer.drop('net');
    expect([installed(), timers]).toEqual([[], []]);
    await installer.retire(1002);
    await installer.remove(1002);
    await installer.drop('net');
    expect([installed(), timers]).toEqual([[], []]);
  });

  it('refuses what the packet path cannot carry, and wipes its keys all the same', async () => {
    const { installer, installed } = setUp();
    const output = child(1001, 2001, { child: 'elsewhere' });
    await expect(installer.install(output)).rejects.toMatchObject({ code: 'unknown_tunnel' });
    await expect(installer.install(child(1001, 2001, { mode: 'transport' }))).rejects.toMatchObject({
      code: 'transport_behind_nat',
    });
    await expect(installer.install(child(1001, 2001, { mode: 'transport', encapsulate: false }))).rejects.toMatchObject(
      { code: 'other_mode' },
    );
    await expect(installer.install(child(1001, 2001, { suite: AH }))).rejects.toMatchObject({ code: 'ah_behind_nat' });
    expect(installed()).toEqual([]);
    expect(output.inboundKey.reveal((octets) => [...octets])).toEqual(new Array(20).fill(0));
  });
});

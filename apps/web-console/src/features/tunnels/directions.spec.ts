import { describe, expect, it } from 'vitest';
import { directionsOf, isWell, totalRate, tunnelState, tunnelTitle, wellText } from './directions.js';
import { seenAt } from './seen-at.js';

const traffic = (packets: number, bytesPerSecond = 0) => ({ packets, bytes: 0, packetsPerSecond: 0, bytesPerSecond });
const end = (siteName: string, spis: [number | null, number | null], sent: number, received: number) => ({
  edgeId: `edge of ${siteName}`,
  edgeName: siteName.toLowerCase(),
  siteId: siteName,
  siteName,
  inboundSpi: spis[0],
  outboundSpi: spis[1],
  outbound: traffic(sent, sent),
  inbound: traffic(received),
  lastReceivedAt: `${siteName} received`,
  path: null,
  observedPeer: { address: '203.0.113.7', port: 4500 },
  behindNat: siteName === 'Berlin',
});
const tunnel = {
  id: 't',
  state: 'up' as const,
  reason: null,
  keyingMode: 'ikev2' as const,
  securityProtocol: 'esp' as const,
  mode: 'tunnel' as const,
  keyExchange: null,
  rekeys: 0,
  externalPeer: null,
  edges: [end('Berlin', [1, 2], 20, 9), end('Amsterdam', [null, 1], 10, 19)],
};

describe('directionsOf', () => {
  it('takes what was sent from the sender, and what arrived, the SPI and the last packet from the receiver', () => {
    const [there, back] = directionsOf(tunnel);
    expect(there).toMatchObject({
      spi: 1,
      lastPacketAt: 'Berlin received',
      sent: { packets: 10 },
      received: { packets: 9 },
    });
    expect(back).toMatchObject({
      spi: 2,
      lastPacketAt: 'Amsterdam received',
      sent: { packets: 20 },
      received: { packets: 19 },
    });
  });

  it('says where an edge is met by what the other end says, each place once', () => {
    const [there, back] = directionsOf(tunnel);
    expect([there?.observed?.behindNat, back?.observed?.behindNat]).toEqual([true, false]);
    const place = { address: '203.0.113.7', port: 4500, behindNat: true };
    expect(seenAt([tunnel, tunnel], 'edge of Berlin')).toEqual([place]);
    expect(seenAt([tunnel], 'edge of nowhere')).toEqual([]);
    const silent = { ...tunnel, edges: tunnel.edges.map((each) => ({ ...each, observedPeer: null })) };
    expect(seenAt([silent], 'edge of Berlin')).toEqual([]);
  });

  it('is the same whichever end the controller names first', () => {
    expect(directionsOf({ ...tunnel, edges: [...tunnel.edges].reverse() })).toEqual(directionsOf(tunnel));
    expect(tunnelTitle(tunnel)).toBe('Amsterdam ↔ Berlin');
    expect(totalRate(tunnel)).toBe(30);
  });

  it('to an external peer is what our edge says of it, and of the rest that nobody does', () => {
    const peer = { id: 'p', name: 'Aachen', address: '203.0.113.99', port: 4500 };
    const external = { ...tunnel, externalPeer: peer, edges: [end('Berlin', [1, 2], 20, 9)] };
    const [there, back] = directionsOf(external);
    expect(there).toMatchObject({
      from: { place: 'Berlin', device: 'berlin', external: false },
      to: { placeId: 'p', place: 'Aachen', device: 'Aachen', external: true },
      spi: 2,
      sent: { packets: 20 },
      received: null,
      traffic: { packets: 20 },
      lastPacketAt: null,
    });
    expect(back).toMatchObject({
      spi: 1,
      sent: null,
      received: { packets: 9 },
      traffic: { packets: 9 },
      lastPacketAt: 'Berlin received',
      path: null,
    });
    expect(tunnelTitle(external)).toBe('Berlin ↔ Aachen');
  });
});

describe('the state of a tunnel', () => {
  it('is with a remote host that it is there or away, for the edge never begins it', () => {
    const gateway = { id: 'p', name: 'Aachen', address: '203.0.113.99', port: 4500 };
    const host = { ...gateway, address: null, port: null };
    const labels = (externalPeer: typeof gateway | typeof host | null) =>
      (['up', 'waiting', 'down'] as const).map((state) => tunnelState({ state, externalPeer }).label);
    expect(labels(null)).toEqual(['Up', 'Waits for traffic', 'Down']);
    expect(labels(gateway)).toEqual(labels(null));
    expect(labels(host)).toEqual(['Connected', 'Away', 'Down']);
  });
});

describe('tunnels that nothing is wrong with', () => {
  it('are up, or wait for traffic', () => {
    const all = (['up', 'waiting', 'establishing', 'down'] as const).map((state) => ({ state }));
    expect(all.filter(isWell)).toEqual([{ state: 'up' }, { state: 'waiting' }]);
    expect([wellText(all), wellText(all.filter(({ state }) => state !== 'waiting'))]).toEqual([
      'tunnels up or waiting',
      'tunnels up',
    ]);
  });
});

import type { Endpoint } from '@weft/ipsec-core/ike';
import type { UdpSocket } from '@weft/linux-io';
import { describe, expect, it } from 'vitest';
import { IkeSockets } from './ike-sockets.js';
import { OwnUplinks } from './own-uplinks.js';

const FIRST = Uint8Array.of(192, 0, 2, 1);
const SECOND = Uint8Array.of(192, 0, 2, 2);
const ELSEWHERE = Uint8Array.of(192, 0, 2, 3);

/** What leaves by a socket goes nowhere here; which one it is, is what is asked for. */
function socketAt(address: Uint8Array): UdpSocket {
  const local: Endpoint = { address, port: 4500 };
  return { localEndpoint: () => local } as UdpSocket;
}

describe('the uplinks of an edge', () => {
  it('are none before the first bundle', () => {
    const uplinks = new OwnUplinks(new IkeSockets());
    expect(uplinks.preferred).toBeUndefined();
    expect(uplinks.addresses()).toEqual([]);
    uplinks.leave();
  });

  it('are where the socket is when there is one, whatever addresses the machine has', () => {
    const uplinks = new OwnUplinks(new IkeSockets());
    expect(uplinks.found([])).toBe(false);
    uplinks.use(socketAt(FIRST), []);
    expect(uplinks.preferred).toEqual({ address: FIRST, port: 4500 });
    expect(uplinks.addresses()).toEqual([FIRST]);
  });

  it('are in order of preference those whose addresses the machine has, as soon as that is known', () => {
    const uplinks = new OwnUplinks(new IkeSockets());
    uplinks.use(socketAt(FIRST), [socketAt(SECOND)]);
    expect(uplinks.addresses()).toEqual([FIRST, SECOND]);
    expect(uplinks.found([ELSEWHERE, SECOND])).toBe(true);
    expect(uplinks.addresses()).toEqual([SECOND]);
    uplinks.found([SECOND, FIRST]);
    expect(uplinks.addresses()).toEqual([FIRST, SECOND]);
  });

  it('are all of them when the machine has none of their addresses: one may come back', () => {
    const uplinks = new OwnUplinks(new IkeSockets());
    uplinks.use(socketAt(FIRST), [socketAt(SECOND)]);
    uplinks.found([]);
    expect(uplinks.addresses()).toEqual([FIRST, SECOND]);
  });
});

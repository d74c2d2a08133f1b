import { describe, expect, it } from 'vitest';
import { MAXIMUM_RAW_SOCKETS, RawSockets } from './raw-sockets.js';

const OPTIONS = { bufferOctets: 65_536 };
const V4 = { local: Uint8Array.of(192, 0, 2, 1), remote: Uint8Array.of(192, 0, 2, 2) };
const V6 = { local: new Uint8Array(16).fill(1), remote: new Uint8Array(16).fill(2) };
const esp = { protocol: 'esp', mode: 'tunnel' } as const;
const isRoot = process.getuid?.() === 0;

describe('raw sockets of the packet path', () => {
  it('are none for ESP in UDP, and none to be had on the portable path, which says what to do', () => {
    const sockets = new RawSockets(undefined, new Int32Array(MAXIMUM_RAW_SOCKETS));
    sockets.require(esp);
    expect([sockets.all, sockets.sender(4)]).toEqual([[], undefined]);
    expect(() => sockets.require({ ...esp, outer: V4 })).toThrow(
      expect.objectContaining({ code: 'NATIVE_PORTABLE', message: expect.stringContaining('--data-path portable') }),
    );
  });

  it.skipIf(!isRoot)(`are opened once for each family and protocol${isRoot ? '' : ' (needs root)'}`, () => {
    const sockets = new RawSockets(OPTIONS, new Int32Array(MAXIMUM_RAW_SOCKETS));
    try {
      sockets.require({ ...esp, outer: V4 });
      sockets.require({ ...esp, outer: V4 });
      expect(sockets.all.map(({ family, protocol }) => [family, protocol])).toEqual([[4, 'esp']]);
      sockets.require({ protocol: 'ah', mode: 'tunnel', outer: V6 });
      sockets.require({ protocol: 'ah', mode: 'transport' });
      expect(sockets.all.map(({ family, protocol }) => `${family} ${protocol}`).sort()).toEqual([
        '4 ah',
        '4 esp',
        '6 ah',
        '6 icmpv6',
      ]);
      expect([sockets.sender(4)?.protocol, sockets.sender(6)?.protocol]).toEqual(['esp', 'ah']);
    } finally {
      sockets.close();
    }
    expect(sockets.all).toEqual([]);
  });

  it.skipIf(!isRoot)(`outlive the thread that has opened them${isRoot ? '' : ' (needs root)'}`, () => {
    const held = new Int32Array(MAXIMUM_RAW_SOCKETS);
    const first = new RawSockets(OPTIONS, held);
    first.require({ ...esp, outer: V6 });
    const [opened] = first.all;
    const second = new RawSockets(OPTIONS, held);
    expect(second.all.map(({ fd, family, protocol }) => ({ fd, family, protocol }))).toEqual([
      { fd: opened?.fd, family: 6, protocol: 'esp' },
    ]);
    second.require({ ...esp, outer: V6 });
    expect(second.all).toHaveLength(1);
    second.close();
    expect(new RawSockets(OPTIONS, held).all).toEqual([]);
  });
});

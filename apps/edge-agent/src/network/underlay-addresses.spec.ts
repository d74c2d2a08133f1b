import { describe, expect, it } from 'vitest';
import { type AddressSource, UnderlayAddresses, usableAddresses } from './underlay-addresses.js';

const UP = ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'];
const address = (local: string, changes: object = {}) => ({
  family: 'inet',
  local,
  prefixlen: 24,
  scope: 'global',
  ...changes,
});
const link = (ifname: string, addresses: readonly object[], flags = UP) => ({
  ifname,
  flags,
  mtu: 1500,
  addr_info: addresses,
});
const texts = (addresses: readonly Uint8Array[]) => addresses.map((octets) => octets.join('.'));

describe('Which addresses are of the underlay', () => {
  it('global ones of links that carry, in the order of the kernel', () => {
    const output = [
      link('lo', [address('127.0.0.1', { scope: 'host' }), address('10.9.9.9')], ['LOOPBACK', 'UP', 'LOWER_UP']),
      link('wan', [address('192.0.2.1'), address('192.0.2.2'), {}]),
      link('unplugged', [address('198.51.100.1')], ['NO-CARRIER', 'BROADCAST', 'UP']),
      link('weft0', [address('10.0.0.1')]),
      link('lte', [
        address('2001:db8::1', { family: 'inet6', tentative: true }),
        address('2001:db8::2', { family: 'inet6', dadfailed: true }),
        address('2001:db8::3', { family: 'inet6', deprecated: true }),
        address('fe80::1', { family: 'inet6', scope: 'link' }),
      ]),
      {},
    ];
    expect(texts(usableAddresses(output, 'weft0'))).toEqual([
      '192.0.2.1',
      '192.0.2.2',
      '32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.3',
    ]);
  });
});

/** A kernel that says what the test wants, when it wants. */
class Kernel implements AddressSource {
  addresses: string[] = ['192.0.2.1'];
  broken = false;
  listeners = 0;
  readings = 0;
  /** Readings wait for `release`. */
  slow = false;
  #changed: () => void = () => undefined;
  #ended: (reason: string) => void = () => undefined;
  #held: (() => void)[] = [];

  async read(): Promise<unknown> {
    this.readings++;
    if (this.slow) await new Promise<void>((resolve) => this.#held.push(resolve));
    if (this.broken) throw new Error('ip address show: no');
    return [
      link(
        'wan',
        this.addresses.map((local) => address(local)),
      ),
    ];
  }

  listen(changed: () => void, ended: (reason: string) => void): () => void {
    this.listeners++;
    this.#changed = changed;
    this.#ended = ended;
    return () => this.listeners--;
  }

  hint(): void {
    this.#changed();
  }

  end(): void {
    this.listeners--;
    this.#ended('it ended');
  }

  release(): void {
    for (const go of this.#held.splice(0)) go();
  }
}

function setUp(kernel = new Kernel()) {
  const told: string[][] = [];
  const troubles: string[] = [];
  const timers: (() => void)[] = [];
  const pauses: number[] = [];
  const watch = new UnderlayAddresses({
    source: kernel,
    device: 'weft0',
    onChange: (addresses) => told.push(texts(addresses)),
    onTrouble: (reason) => troubles.push(reason),
    after: (milliseconds, run) => {
      pauses.push(milliseconds);
      timers.push(run);
      return () => timers.splice(timers.indexOf(run), 1);
    },
  });
  return { kernel, watch, told, troubles, timers, pauses };
}

const turns = async () => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('Underlay addresses that come and go', () => {
  it('are told at first, and when they are others, and not when the kernel only says so', async () => {
    const { kernel, told } = setUp();
    await turns();
    kernel.hint();
    await turns();
    expect(told).toEqual([['192.0.2.1']]);
    kernel.addresses = ['198.51.100.1', '192.0.2.1'];
    kernel.hint();
    await turns();
    kernel.addresses = [];
    kernel.hint();
    await turns();
    expect(told).toEqual([['192.0.2.1'], ['198.51.100.1', '192.0.2.1'], []]);
  });

  it('are read once for any number of hints, and once more for those that came meanwhile', async () => {
    const { kernel, told } = setUp();
    await turns();
    kernel.slow = true;
    for (let hint = 0; hint < 100; hint++) kernel.hint();
    kernel.addresses = ['192.0.2.7'];
    expect(kernel.readings).toBe(2);
    kernel.slow = false;
    kernel.release();
    await turns();
    expect(kernel.readings).toBe(3);
    expect(told.at(-1)).toEqual(['192.0.2.7']);
  });

  it('are listened for again when the kernel stops telling, and what changed meanwhile is seen', async () => {
    const { kernel, told, troubles, timers } = setUp();
    await turns();
    kernel.end();
    kernel.addresses = ['192.0.2.8'];
    expect([troubles, timers.length]).toEqual([['it ended'], 1]);
    timers[0]?.();
    await turns();
    expect([kernel.listeners, told.at(-1)]).toEqual([1, ['192.0.2.8']]);
  });

  it('are listened for less and less often while nothing is told, and at once again after that', async () => {
    const { kernel, timers, pauses } = setUp();
    const again = () => {
      kernel.end();
      timers.shift()?.();
    };
    for (let time = 0; time < 8; time++) again();
    kernel.hint();
    again();
    await turns();
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 1000]);
  });

  it('stay what they were when they cannot be read, and the trouble is told', async () => {
    const { kernel, told, troubles } = setUp();
    await turns();
    kernel.broken = true;
    kernel.hint();
    await turns();
    expect([told.length, troubles]).toEqual([1, ['ip address show: no']]);
    kernel.broken = false;
    kernel.addresses = ['192.0.2.9'];
    kernel.hint();
    await turns();
    expect(told.at(-1)).toEqual(['192.0.2.9']);
  });

  it('are not listened for after the end', async () => {
    const { kernel, watch, told, timers } = setUp();
    await turns();
    kernel.slow = true;
    kernel.addresses = ['192.0.2.3'];
    kernel.hint();
    watch.stop();
    kernel.release();
    kernel.hint();
    await turns();
    expect([kernel.listeners, told.length, timers.length]).toEqual([0, 1, 0]);
  });
});

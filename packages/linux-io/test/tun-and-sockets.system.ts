import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const unavailable = whyNot();

// The namespace must be that of the process, and vitest's own must stay as it is: a program of its own does the work.
describe.skipIf(unavailable !== undefined)(
  `TUN and sockets in a namespace${unavailable ? ` (${unavailable})` : ''}`,
  () => {
    it.each(['tun', 'busy', 'udp4', 'udp6', 'raw4', 'raw6', 'extension', 'tooBig'])('%s', (scenario) => {
      const program = fileURLToPath(new URL('./support/in-namespace.ts', import.meta.url));
      const node = [process.execPath, '--conditions=source', '--import', '@oxc-node/core/register', program, scenario];
      const output = execFileSync('unshare', ['-n', ...node], { encoding: 'utf8' });
      expect(JSON.parse(output)).toEqual(EXPECTED[scenario]);
    });
  },
);

const whole = ['esp', 'ah'].map((protocol) => ({ protocol, sent: 3, received: 3, same: [true, true, true] }));
const EXPECTED: Readonly<Record<string, unknown>> = {
  tun: {
    empty: 'EAGAIN',
    name: 'wt0',
    // The kernel sent our datagram into the device, and took our ICMP echo request out of it and answered.
    outgoing: { version: 4, protocol: 17, destination: '10.9.0.2', payload: 'into the device' },
    answer: { protocol: 1, type: 0, source: '10.9.0.1', destination: '10.9.0.2', payload: 'out of the device' },
    goneAfterClose: true,
  },
  busy: { code: 'EBUSY', call: 'ioctl', saysWhatToDo: true },
  udp4: { received: 3, source: '127.0.0.1', lengths: [1, 1400, 9000], buffer: true },
  raw4: whole,
  raw6: whole,
  extension: { received: 1, restored: false },
  tooBig: { sent: 3, received: 1, restored: true, same: true },
  udp6: { received: 3, source: '0:0:0:0:0:0:0:1', lengths: [1, 1400, 9000], buffer: true },
};

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root to make a network namespace and a TUN device';
  if (!existsSync('/dev/net/tun')) return 'needs /dev/net/tun (load the tun module)';
  try {
    execFileSync('unshare', ['-n', 'ip', 'link'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'needs iproute2 and the right to make network namespaces';
  }
}

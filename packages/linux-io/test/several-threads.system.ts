import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const unavailable = whyNot();

// The namespace must be that of the process, and vitest's own must stay as it is: a program of its own does the work.
describe.skipIf(unavailable !== undefined)(
  `what several threads share in a namespace${unavailable ? ` (${unavailable})` : ''}`,
  () => {
    it('a device of one queue is a plain one', () => {
      expect(run('one')).toEqual({ others: 0, sameDescriptor: true, multiQueue: false });
    });

    it('a device of three queues: flows keep theirs, whoever writes their return traffic, and fragments meet', () => {
      expect(run('queues')).toEqual({
        multiQueue: true,
        queues: [0, 1, 2],
        oneEach: true,
        keptAfterWrites: true,
        answersArrived: true,
        fragmentsMeet: true,
        goneAfterClose: true,
      });
    });

    it.each([4, 6])(
      'raw sockets of ESP over IPv%i: each packet is one’s, by SPI, and one without is the first’s',
      (family) => {
        expect(run(`shares${family}`)).toEqual({ ofSpi: true, short: [1, 0, 0], all: true });
      },
    );
  },
);

function run(scenario: string): unknown {
  const program = fileURLToPath(new URL('./support/several-threads.ts', import.meta.url));
  const node = [process.execPath, '--conditions=source', '--import', '@oxc-node/core/register', program, scenario];
  return JSON.parse(execFileSync('unshare', ['-n', ...node], { encoding: 'utf8' }));
}

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

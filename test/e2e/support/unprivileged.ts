import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Start } from './lab-program.js';

/** A way to start the lab as somebody who is not root. */
export interface Unprivileged {
  readonly start: Start;
  /** Why it does not work here; undefined when it does. */
  readonly whyNot: string | undefined;
  close(): void;
}

/**
 * Whoever is not root is somebody already. Root becomes nobody, who could not reach a checkout below /root, nor on some
 * machines the device of TUN: a private mount namespace shows the checkout at a place that everybody reaches, and has the device with
 * the mode that it has on Debian and Ubuntu.
 */
export function openUnprivileged(): Unprivileged {
  if (process.getuid?.() !== 0) return { start: {}, whyNot: undefined, close: () => undefined };
  const place = mkdtempSync(join(tmpdir(), 'weft-nobody-'));
  chmodSync(place, 0o755);
  const checkout = join(place, 'checkout');
  mkdirSync(checkout);
  const start = {
    through: [
      'unshare',
      '--mount',
      'sh',
      '-c',
      'mount --bind "$0" "$1" && mount -t tmpfs -o mode=0755 tmpfs /dev/net && mknod -m 0666 /dev/net/tun c 10 200 && shift && exec "$@"',
      ROOT,
      checkout,
      ...NOBODY,
    ],
    program: join(checkout, 'tools/lab/dist/main.js'),
  };
  return { start, whyNot: whyNot(start), close: () => rmSync(place, { recursive: true }) };
}

function whyNot({ through: [command = '', ...words], program }: Required<Start>): string | undefined {
  const { status, stderr } = spawnSync(command, [...words, process.execPath, program, '--help'], { encoding: 'utf8' });
  return status === 0 ? undefined : `nobody cannot run the lab here: ${stderr.trim()}`;
}

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'env', 'HOME=/nonexistent'];

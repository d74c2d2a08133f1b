import { readFile } from 'node:fs/promises';
import { systemCodeOf } from '../platform/agent-error.js';
import { NetworkError } from './network-error.js';

/**
 * Packets for a TUN device that the kernel dropped before anybody could read them: its queue was full. Undefined when the
 * device is gone. They are counted since the device was made.
 */
export async function readDeviceDrops(device: string): Promise<bigint | undefined> {
  let text: string;
  try {
    text = await readFile(STATISTICS, 'utf8');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  return parseDeviceDrops(text, device);
}

/** `text` is proc_pid_net(5) `/proc/net/dev`. Throws NetworkError when it has another form. */
export function parseDeviceDrops(text: string, device: string): bigint | undefined {
  for (const line of text.split('\n')) {
    const colon = line.lastIndexOf(':');
    if (colon === -1 || line.slice(0, colon).trim() !== device) continue;
    const dropped =
      line
        .slice(colon + 1)
        .trim()
        .split(/\s+/)[TRANSMIT_DROPPED] ?? '';
    if (/^\d+$/.test(dropped)) return BigInt(dropped);
    throw new NetworkError(
      'statistics_unreadable',
      `${STATISTICS} has an unknown form: ${line}`,
      'run a kernel of Linux 5.4 or newer',
    );
  }
  return undefined;
}

/** Of this network namespace. */
const STATISTICS = '/proc/thread-self/net/dev';
/** Behind eight columns of what was received: octets, packets, errors. */
const TRANSMIT_DROPPED = 8 + 3;

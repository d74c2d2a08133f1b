import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Namespaces } from '../../test/support/namespaces.js';
import { createUnderlay, OVERLAY_ADDRESSES, type PathOffer } from './path.js';
import { waitForFile } from './wait-for-file.js';

/** Every wireguard-go that WEFT_WIREGUARD_GO names (as PATH does) or that is on the PATH. */
export function wireguardPaths(): PathOffer[] {
  const named = (process.env['WEFT_WIREGUARD_GO'] ?? '').split(delimiter).filter((path) => path !== '');
  const installed = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((directory) => join(directory, 'wireguard-go'))
    .find((path) => existsSync(path));
  const programs = [...new Set([...named, ...(installed === undefined ? [] : [installed])])];
  if (programs.length === 0) {
    return [missing('wireguard-go is not installed; WEFT_WIREGUARD_GO may name one')];
  }
  return programs.map((program) => {
    if (!existsSync(program)) return missing(`${program} does not exist`);
    try {
      execFileSync('wg', ['--version'], { stdio: 'ignore' });
    } catch {
      return missing('wg is not installed (package wireguard-tools)');
    }
    return offer(program);
  });
}

function missing(reason: string): PathOffer {
  return { name: 'wireguard-go', unavailable: reason, start: () => Promise.reject(new Error(reason)) };
}

function offer(program: string): PathOffer {
  const version = execFileSync(program, ['--version'], { encoding: 'utf8' }).match(/v?([0-9.]+[0-9])/)?.[1] ?? program;
  const name = `wireguard-go ${version}`;
  return { name, unavailable: undefined, start: (namespaces) => start(name, program, namespaces) };
}

async function start(name: string, program: string, namespaces: Namespaces) {
  const underlay = createUnderlay(namespaces, name.replaceAll(/[^a-z0-9]/g, ''));
  const directory = mkdtempSync(join(tmpdir(), 'weft-bench-wg-'));
  // Control sockets are named after devices, in one directory for all namespaces.
  const device = (side: string) => `wgb${process.pid % 10_000}${version(name)}${side[0]}`;
  const keys = { sender: makeKey(directory, 'sender'), receiver: makeKey(directory, 'receiver') };
  const processes: number[] = [];
  const children = (['sender', 'receiver'] as const).map((side) => {
    const child = spawn('ip', ['netns', 'exec', underlay[side], program, '--foreground', device(side)], {
      stdio: ['ignore', 'ignore', 'ignore'],
      env: { ...process.env, LOG_LEVEL: 'error' },
    });
    if (child.pid !== undefined) processes.push(child.pid);
    return child;
  });
  for (const side of ['sender', 'receiver'] as const) {
    await waitForFile(`/var/run/wireguard/${device(side)}.sock`);
    const other = side === 'sender' ? 'receiver' : 'sender';
    const allowed = `${OVERLAY_ADDRESSES.ipv4[other]}/32,${OVERLAY_ADDRESSES.ipv6[other]}/128`;
    const words = ['set', device(side), 'listen-port', '51820', 'private-key', join(directory, side)];
    words.push('peer', keys[other], 'endpoint', `${underlay.ipv4[other]}:51820`, 'allowed-ips', allowed);
    namespaces.run(underlay[side], 'wg', words);
    namespaces.ip(underlay[side], `link set ${device(side)} mtu 1420 up`);
    namespaces.ip(underlay[side], `address add ${OVERLAY_ADDRESSES.ipv4[side]}/32 dev ${device(side)}`);
    namespaces.ip(underlay[side], `address add ${OVERLAY_ADDRESSES.ipv6[side]}/128 dev ${device(side)} nodad`);
    namespaces.ip(underlay[side], `route add ${OVERLAY_ADDRESSES.ipv4[other]}/32 dev ${device(side)}`);
    namespaces.ip(underlay[side], `-6 route add ${OVERLAY_ADDRESSES.ipv6[other]}/128 dev ${device(side)}`);
  }
  return {
    name,
    sender: underlay.sender,
    receiver: underlay.receiver,
    addresses: OVERLAY_ADDRESSES,
    processes,
    close: async () => {
      await Promise.all(
        children.map((child) => {
          const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
          child.kill('SIGTERM');
          return ended;
        }),
      );
      rmSync(directory, { recursive: true });
    },
  };
}

/** Writes a private key to a file of the directory. @returns the public one. */
function makeKey(directory: string, side: string): string {
  const secret = execFileSync('wg', ['genkey'], { encoding: 'utf8' });
  writeFileSync(join(directory, side), secret, { mode: 0o600 });
  return execFileSync('wg', ['pubkey'], { encoding: 'utf8', input: secret }).trim();
}

/** A letter that tells versions apart in a device name. */
function version(name: string): string {
  return String.fromCharCode(97 + ([...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 26));
}

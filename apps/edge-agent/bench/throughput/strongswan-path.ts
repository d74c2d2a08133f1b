import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Namespaces } from '../../test/support/namespaces.js';
import { createUnderlay, OVERLAY_ADDRESSES, type PathOffer, type Underlay } from './path.js';
import { waitForFile } from './wait-for-file.js';

/** strongSwan with ESP in userspace (kernel-libipsec), AES-128-GCM. */
export function strongswanPath(): PathOffer {
  const unavailable = whyNot();
  return {
    name: 'strongswan libipsec',
    unavailable,
    start: (namespaces) => start(namespaces),
  };
}

function whyNot(): string | undefined {
  if (!existsSync(CHARON)) return 'strongSwan is not installed (packages strongswan-charon, strongswan-swanctl)';
  if (!existsSync(LIBIPSEC)) return 'its userspace ESP is not installed (package libcharon-extra-plugins)';
  return undefined;
}

async function start(namespaces: Namespaces) {
  const underlay = createUnderlay(namespaces, 'swan');
  const directory = mkdtempSync(join(tmpdir(), 'weft-bench-swan-'));
  const processes: number[] = [];
  const children = (['sender', 'receiver'] as const).map((side) => {
    const home = join(directory, side);
    mkdirSync(home);
    writeFileSync(join(home, 'strongswan.conf'), daemonConfiguration(home));
    writeFileSync(join(home, 'swanctl.conf'), connectionConfiguration(underlay, side));
    namespaces.ip(underlay[side], `address add ${OVERLAY_ADDRESSES.ipv4[side]}/32 dev lo`);
    namespaces.ip(underlay[side], `address add ${OVERLAY_ADDRESSES.ipv6[side]}/128 dev lo nodad`);
    // Its pid file has a fixed path: each gets a /run of its own.
    const script = `mount --make-rprivate / && mount -t tmpfs tmpfs /run && exec ${CHARON}`;
    const child = spawn('ip', ['netns', 'exec', underlay[side], 'unshare', '-m', 'sh', '-c', script], {
      stdio: ['ignore', 'ignore', 'ignore'],
      env: { ...process.env, STRONGSWAN_CONF: join(home, 'strongswan.conf') },
    });
    if (child.pid !== undefined) processes.push(child.pid);
    return child;
  });
  for (const side of ['sender', 'receiver'] as const) {
    await waitForFile(join(directory, side, 'vici'));
    swanctl(join(directory, side), ['--load-all', '--file', join(directory, side, 'swanctl.conf')]);
  }
  for (const child of ['ipv4', 'ipv6']) swanctl(join(directory, 'sender'), ['--initiate', '--child', child]);
  return {
    name: 'strongswan libipsec',
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

function swanctl(home: string, words: readonly string[]): void {
  execFileSync('swanctl', [...words, '--uri', `unix://${join(home, 'vici')}`], {
    stdio: 'ignore',
    env: { ...process.env, STRONGSWAN_CONF: join(home, 'strongswan.conf') },
  });
}

function daemonConfiguration(home: string): string {
  return `charon {
  load = random nonce openssl pem pkcs1 pkcs8 x509 pubkey aes sha1 sha2 hmac kdf gcm curve25519 kernel-libipsec kernel-netlink socket-default vici updown
  plugins { vici { socket = unix://${join(home, 'vici')} } }
}
swanctl { load = pem pkcs1 x509 pubkey openssl random }
`;
}

function connectionConfiguration({ ipv4 }: Underlay, side: 'sender' | 'receiver'): string {
  const other = side === 'sender' ? 'receiver' : 'sender';
  const children = (['ipv4', 'ipv6'] as const).map((family) => {
    const bits = family === 'ipv4' ? 32 : 128;
    const [local, remote] = [OVERLAY_ADDRESSES[family][side], OVERLAY_ADDRESSES[family][other]];
    return `      ${family} { esp_proposals = aes128gcm16
        local_ts = ${local}/${bits}
        remote_ts = ${remote}/${bits}
        rekey_time = 0 }`;
  });
  return `connections { bench {
    version = 2
    proposals = aes128-sha256-x25519
    local_addrs = ${ipv4[side]}
    remote_addrs = ${ipv4[other]}
    local { auth = psk
      id = ${side} }
    remote { auth = psk
      id = ${other} }
    children {
${children.join('\n')}
    }
} }
secrets { ike { secret = bench } }
`;
}

const CHARON = '/usr/lib/ipsec/charon';
const LIBIPSEC = '/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so';

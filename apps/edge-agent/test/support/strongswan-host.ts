import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import path from 'node:path';
import { strongswanCommand } from '../../../../test/interop/charon.js';
import { type Installation, installations } from '../../../../test/interop/installations.js';
import type { NamespacedProcess, Namespaces } from './namespaces.js';

/** Why strongSwan cannot be a peer of a test here; `undefined` when it can. */
export function strongswanUnavailable(): string | undefined {
  return installations().length === 0 ? 'needs strongSwan: npm test unpacks it on Debian and Ubuntu' : undefined;
}

/** How it and the gateway prove who they are. Certificates and keys are PEM; `authority` is whom it believes. */
export type HostProof =
  | { readonly kind: 'key'; readonly key: string }
  | {
      readonly kind: 'certificate';
      readonly certificate: string;
      readonly privateKey: string;
      readonly authority: string;
    };

/** What a notebook is configured with. */
export interface HostSettings {
  readonly gateway: string;
  readonly identity: string;
  readonly gatewayIdentity: string;
  readonly proof: HostProof;
  /** Networks behind the gateway. */
  readonly networks: readonly string[];
  /** Virtual addresses that it asks for: none, any, or some in particular. */
  readonly addresses: readonly string[];
}

/** strongSwan in a namespace, as a notebook has it: with userspace ESP, and its name servers in a file of its own. */
export class StrongswanHost {
  readonly #namespaces: Namespaces;
  readonly #namespace: string;
  readonly #directory: string;
  readonly #installation: Installation;
  #daemon: NamespacedProcess | undefined;

  /** Throws where there is none: see `strongswanUnavailable`. */
  constructor(namespaces: Namespaces, namespace: string, directory: string) {
    const [installation] = installations();
    if (installation === undefined) throw new Error('there is no strongSwan here');
    this.#namespaces = namespaces;
    this.#namespace = namespace;
    this.#directory = directory;
    this.#installation = installation;
    mkdirSync(`${directory}/swanctl`, { recursive: true });
    writeFileSync(`${directory}/strongswan.conf`, STRONGSWAN_CONF.replaceAll('DIRECTORY', directory));
  }

  /** Starts it with these settings; it has not called anybody yet. */
  async start(settings: HostSettings): Promise<void> {
    this.#configure(settings);
    const command = strongswanCommand(this.#installation, '/usr/lib/ipsec/charon');
    // Its file with its process number has one place; another strongSwan of this machine may have it.
    const mounts = ['--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /run && exec "$@"', 'sh'];
    const environment = [`STRONGSWAN_CONF=${this.#directory}/strongswan.conf`];
    const daemon = this.#namespaces.start(this.#namespace, 'env', [...environment, 'unshare', ...mounts, ...command]);
    this.#daemon = daemon;
    daemon.stdout.resume();
    await appearance(this.#directory, 'vici', daemon);
    this.swanctl('--load-all');
  }

  #configure(settings: HostSettings): void {
    const { proof } = settings;
    const write = (name: string, content: string) => {
      const file = `${this.#directory}/swanctl/${name}`;
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, content);
    };
    write('swanctl.conf', swanctlConf(settings));
    if (proof.kind === 'key') return;
    write('x509/host.pem', proof.certificate);
    write('private/host.pem', proof.privateKey);
    write('x509ca/gateway.pem', proof.authority);
  }

  /** Calls the gateway. @returns what swanctl says, whether it succeeds or not. */
  connect(): string {
    try {
      return this.swanctl('--initiate', '--child', CHILD, '--timeout', '20');
    } catch (error) {
      return String((error as { stdout?: unknown }).stdout ?? error);
    }
  }

  /** Runs swanctl to its end. @returns what it printed. Throws when it fails. */
  swanctl(...args: readonly string[]): string {
    const [program = '', ...fixed] = strongswanCommand(this.#installation, '/usr/sbin/swanctl');
    return execFileSync(program, [...fixed, ...args, '--uri', `unix://${this.#directory}/vici`], {
      encoding: 'utf8',
      // It complains about folders that this notebook has not got.
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        STRONGSWAN_CONF: `${this.#directory}/strongswan.conf`,
        SWANCTL_DIR: `${this.#directory}/swanctl`,
      },
    });
  }

  /** The name servers that it was assigned, as a resolver reads them. */
  nameServers(): readonly string[] {
    const file = `${this.#directory}/resolv.conf`;
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    return [...text.matchAll(/^nameserver (\S+)/gm)].map(([, address = '']) => address).sort();
  }

  log(): string {
    return readFileSync(`${this.#directory}/charon.log`, 'utf8');
  }

  /** It is gone without a word, as when its lid is closed. */
  async kill(): Promise<void> {
    const daemon = this.#daemon;
    if (daemon === undefined) return;
    this.#daemon = undefined;
    const ended = new Promise((resolve) => daemon.once('exit', resolve));
    daemon.kill('SIGKILL');
    await ended;
    rmSync(`${this.#directory}/vici`, { force: true });
  }
}

/** Resolves when the file is there; rejects when the process ends before. */
function appearance(directory: string, name: string, child: NamespacedProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      watcher.close();
      child.off('exit', ended);
      settle();
    };
    const look = () => {
      if (existsSync(path.join(directory, name))) finish(resolve);
    };
    const ended = () => finish(() => reject(new Error('charon ended before it listened')));
    const watcher = watch(directory, look);
    child.once('exit', ended);
    look();
  });
}

function swanctlConf({ gateway, identity, gatewayIdentity, proof, networks, addresses }: HostSettings): string {
  const [auth, secrets] =
    proof.kind === 'key'
      ? ['psk', `ike-office { id-us = ${identity}\n id-them = "${gatewayIdentity}"\n secret = "${proof.key}" }`]
      : ['pubkey', ''];
  return `
connections {
  office {
    version = 2
    remote_addrs = ${gateway}
    remote_port = 4500
    local_port = 4500
    ${addresses.length === 0 ? '' : `vips = ${addresses.join(', ')}`}
    proposals = aes256gcm16-prfsha384-x25519
    dpd_delay = 2s
    keyingtries = 0
    local { auth = ${auth}\n id = ${identity} }
    remote { auth = ${auth}\n id = "${gatewayIdentity}" }
    children {
      ${CHILD} {
        remote_ts = ${networks.join(', ')}
        esp_proposals = aes256gcm16-x25519
        dpd_action = restart
        close_action = start
      }
    }
  }
}
secrets { ${secrets} }
`;
}

const CHILD = 'office';
const STRONGSWAN_CONF = `
charon {
  load = random nonce openssl pem pkcs1 pkcs8 x509 revocation constraints pubkey aes sha1 sha2 hmac kdf gcm curve25519 kernel-libipsec kernel-netlink socket-default vici resolve
  retransmit_tries = 3
  retransmit_timeout = 0.5
  retransmit_base = 1.3
  plugins {
    vici { socket = unix://DIRECTORY/vici }
    resolve { file = DIRECTORY/resolv.conf }
  }
  filelog { charon { path = DIRECTORY/charon.log
    default = 1
    flush_line = yes } }
}
swanctl { load = pem pkcs1 pkcs8 x509 revocation constraints pubkey openssl random }
`;

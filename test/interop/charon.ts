import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { type Installation, unpackedLibraries } from './installations.js';
import { PEER } from './network.js';

const run = promisify(execFile);

/** strongSwan in the namespace of the peer, with userspace ESP, configured anew for every scenario. */
export class Charon {
  readonly #installation: Installation;
  readonly #directory: string;
  readonly #settings = new Map<string, string>();
  #process: ChildProcess;
  #logged = 0;

  private constructor(installation: Installation, directory: string, process: ChildProcess) {
    this.#installation = installation;
    this.#directory = directory;
    this.#process = process;
  }

  /** Resolves when it answers on its control socket. */
  static async start(installation: Installation, directory: string, { quiet = false } = {}): Promise<Charon> {
    mkdirSync(`${directory}/swanctl`, { recursive: true });
    writeFileSync(`${directory}/strongswan.conf`, configuration(directory, new Map(quiet ? QUIET : [])));
    return new Charon(installation, directory, await launch(installation, directory));
  }

  get swanctlDirectory(): string {
    return `${this.#directory}/swanctl`;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Replaces connections and credentials. Throws with what swanctl said. */
  async load(swanctlConf: string, files: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#logged = this.#log().length;
    rmSync(this.swanctlDirectory, { recursive: true });
    mkdirSync(this.swanctlDirectory);
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(`${this.swanctlDirectory}/${name}`), { recursive: true });
      writeFileSync(`${this.swanctlDirectory}/${name}`, content);
    }
    writeFileSync(`${this.swanctlDirectory}/swanctl.conf`, swanctlConf);
    await this.swanctl('--load-all', '--clear', '--file', `${this.swanctlDirectory}/swanctl.conf`);
  }

  /** Runs swanctl to its end. */
  async swanctl(...args: readonly string[]): Promise<string> {
    const [program = '', ...fixed] = strongswanCommand(this.#installation, '/usr/sbin/swanctl');
    const { stdout } = await run(program, [...fixed, ...args, '--uri', `unix://${this.#directory}/vici`], {
      env: {
        ...process.env,
        STRONGSWAN_CONF: `${this.#directory}/strongswan.conf`,
        SWANCTL_DIR: this.swanctlDirectory,
      },
    });
    return stdout;
  }

  /** Changes a setting of the running daemon; undefined: its default. */
  async setting(name: string, value: string | undefined): Promise<void> {
    if (value === undefined) this.#settings.delete(name);
    else this.#settings.set(name, value);
    this.#writeConfiguration();
    await this.swanctl('--reload-settings');
  }

  /** The key exchange methods it has, by its own names. */
  async keyExchanges(): Promise<readonly string[]> {
    const output = await this.swanctl('--list-algs');
    const names = /^(?:ke|dh):\n((?: .*\n)+)/m.exec(output)?.[1] ?? '';
    return [...names.matchAll(/^ +(\w+)\[/gm)].map(([, name = '']) => name);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await ended;
    rmSync(`${this.#directory}/vici`);
  }

  /** Kills it, waits for `meanwhile`, and starts it again with the same connections and credentials. */
  async restart(meanwhile: () => Promise<void>): Promise<void> {
    await this.stop();
    await meanwhile();
    this.#process = await launch(this.#installation, this.#directory);
    await this.swanctl('--load-all', '--file', `${this.swanctlDirectory}/swanctl.conf`);
  }

  /** What it logged since the configuration was loaded. */
  log(): string {
    return this.#log().slice(this.#logged);
  }

  /** Resolves when it has logged this since the configuration was loaded. Rejects after the named patience. */
  logs(line: RegExp, patience: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (line.test(this.log())) finish(resolve);
      };
      const watcher = watch(`${this.#directory}/charon.log`, look);
      const timer = setTimeout(() => finish(() => reject(new Error(`the peer's log has no ${line}`))), patience);
      const finish = (settle: () => void) => {
        watcher.close();
        clearTimeout(timer);
        settle();
      };
      look();
    });
  }

  #writeConfiguration(): void {
    writeFileSync(`${this.#directory}/strongswan.conf`, configuration(this.#directory, this.#settings));
  }

  #log(): string {
    return readFileSync(`${this.#directory}/charon.log`, 'utf8');
  }
}

async function launch(installation: Installation, directory: string): Promise<ChildProcess> {
  const command = strongswanCommand(installation, '/usr/lib/ipsec/charon');
  const child = spawn('ip', ['netns', 'exec', PEER.namespace, ...command], {
    env: { ...process.env, STRONGSWAN_CONF: `${directory}/strongswan.conf` },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await appearance(directory, 'vici', child);
  return child;
}

function configuration(directory: string, settings: ReadonlyMap<string, string>): string {
  return `
charon {
  load = random nonce openssl pem pkcs1 pkcs8 x509 revocation constraints pubkey aes sha1 sha2 hmac kdf gcm ccm ctr cmac xcbc chapoly curve25519 ml kernel-libipsec kernel-netlink socket-default vici updown attr
  retransmit_tries = 5
  retransmit_timeout = 1.0
  retransmit_base = 1.3
  make_before_break = yes
  ${[...settings].map(([name, value]) => `${name} = ${value}`).join('\n  ')}
  plugins { vici { socket = unix://${directory}/vici } }
  filelog {
    charon {
      path = ${directory}/charon.log
      default = ${settings.has('logging') ? -1 : 1}
      flush_line = yes
    }
  }
}
swanctl { load = pem pkcs1 x509 revocation constraints pubkey openssl random }
`;
}

/**
 * An unpacked strongSwan looks for its plugins where its package would have put them, so its folder is mounted there for
 * it alone: over the one that is installed, or by an overlay where none is. It runs with the libraries that were unpacked
 * beside it, and with their dynamic linker when the C library is among them.
 */
export function strongswanCommand(installation: Installation, program: string): readonly string[] {
  if (installation.kind === 'system') return [program];
  const { root } = installation;
  const { folder, linker } = unpackedLibraries(root);
  const libraries = `/usr/lib/ipsec:${folder}`;
  const run =
    linker === undefined
      ? ['env', `LD_LIBRARY_PATH=${libraries}`, `${root}${program}`]
      : [linker, '--library-path', libraries, `${root}${program}`];
  return ['unshare', '--mount', 'sh', '-c', MOUNT_PLUGINS, 'sh', root, ...run];
}

const MOUNT_PLUGINS = `
if [ -d /usr/lib/ipsec ]; then
  mount --bind "$1/usr/lib/ipsec" /usr/lib/ipsec
else
  mkdir -p /run/strongswan && mount --bind "$1" /run/strongswan &&
    mount -t overlay overlay -o lowerdir=/run/strongswan/usr/lib:/usr/lib /usr/lib
fi && shift && exec "$@"`;

/** Resolves when the file is there; rejects when the process ends before. */
function appearance(directory: string, name: string, child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const watcher = watch(directory, () => {
      if (existsSync(`${directory}/${name}`)) finish(resolve);
    });
    const ended = () => finish(() => reject(new Error('charon ended before it listened')));
    const finish = (settle: () => void) => {
      watcher.close();
      child.off('exit', ended);
      settle();
    };
    child.once('exit', ended);
    if (existsSync(`${directory}/${name}`)) finish(resolve);
  });
}

/** For measuring: a line of log per message would be part of what is measured, as would one list of all IKE SAs. */
const QUIET = [
  ['logging', 'no'],
  ['ikesa_table_size', '8192'],
  ['ikesa_table_segments', '16'],
  // All the load comes from one address, which is what its protection is against.
  ['dos_protection', 'no'],
] as const;

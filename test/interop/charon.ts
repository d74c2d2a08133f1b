import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { PEER } from './network.js';

const run = promisify(execFile);

/** Which strongSwan: Debian's own, or a tree that was unpacked somewhere. */
export interface Installation {
  readonly charon: string;
  readonly swanctl: string;
  readonly libraries: string | undefined;
  readonly plugins: string | undefined;
}

/** strongSwan in the namespace of the peer, with userspace ESP, configured anew for every scenario. */
export class Charon {
  readonly #installation: Installation;
  readonly #directory: string;
  readonly #process: ChildProcess;
  #logged = 0;

  private constructor(installation: Installation, directory: string, process: ChildProcess) {
    this.#installation = installation;
    this.#directory = directory;
    this.#process = process;
  }

  /** Resolves when it answers on its control socket. */
  static async start(installation: Installation, directory: string): Promise<Charon> {
    mkdirSync(`${directory}/swanctl`, { recursive: true });
    writeFileSync(`${directory}/strongswan.conf`, configuration(installation, directory));
    const child = spawn('ip', ['netns', 'exec', PEER.namespace, installation.charon], {
      env: { ...environment(installation), STRONGSWAN_CONF: `${directory}/strongswan.conf` },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await appearance(directory, 'vici', child);
    return new Charon(installation, directory, child);
  }

  get swanctlDirectory(): string {
    return `${this.#directory}/swanctl`;
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
    const { swanctl } = this.#installation;
    const { stdout } = await run(swanctl, [...args, '--uri', `unix://${this.#directory}/vici`], {
      env: {
        ...environment(this.#installation),
        STRONGSWAN_CONF: `${this.#directory}/strongswan.conf`,
        SWANCTL_DIR: this.swanctlDirectory,
      },
    });
    return stdout;
  }

  /** What it logged since the configuration was loaded. */
  log(): string {
    return this.#log().slice(this.#logged);
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  #log(): string {
    return readFileSync(`${this.#directory}/charon.log`, 'utf8');
  }
}

function configuration({ plugins }: Installation, directory: string): string {
  return `
charon {
  load = random nonce openssl pem pkcs1 pkcs8 x509 revocation constraints pubkey aes sha1 sha2 hmac kdf gcm ccm ctr cmac xcbc chapoly curve25519 ml kernel-libipsec kernel-netlink socket-default vici updown attr
  retransmit_tries = 2
  retransmit_timeout = 1.0
  retransmit_base = 1.3
  make_before_break = yes
  ${plugins === undefined ? '' : `plugindir = ${plugins}`}
  plugins { vici { socket = unix://${directory}/vici } }
  filelog {
    charon {
      path = ${directory}/charon.log
      default = 1
      flush_line = yes
    }
  }
}
swanctl { load = pem pkcs1 x509 revocation constraints pubkey openssl random }
`;
}

function environment({ libraries }: Installation): NodeJS.ProcessEnv {
  return libraries === undefined ? process.env : { ...process.env, LD_LIBRARY_PATH: libraries };
}

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

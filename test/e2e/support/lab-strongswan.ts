import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ExternalPeerSnippet } from '@weft/contracts/rest';
import { type Lab, waitUntil } from '@weft/lab';
import { strongswanCommand } from '../../interop/charon.js';
import type { Installation } from '../../interop/installations.js';

/**
 * strongSwan where the controller of the lab stands, which has an address on its internet and no edge: configured by nothing but what
 * the API gives for it, with userspace ESP.
 */
export class LabStrongswan {
  readonly #lab: Lab;
  readonly #installation: Installation;
  readonly #directory: string;

  /** `directory`: an empty one, which is the caller's to remove. */
  constructor(lab: Lab, installation: Installation, directory: string) {
    this.#lab = lab;
    this.#installation = installation;
    this.#directory = directory;
    this.write('swanctl.conf', 'include conf.d/*.conf\n');
    writeFileSync(`${directory}/strongswan.conf`, STRONGSWAN_CONF.replaceAll('DIRECTORY', directory));
  }

  /** Resolves when it has taken the configuration that it was given. Ends with the lab. */
  async start(): Promise<void> {
    const [command = '', ...args] = strongswanCommand(this.#installation, '/usr/lib/ipsec/charon');
    await this.#lab.start({
      name: 'strongswan',
      namespace: this.#lab.topology.controllerNamespace,
      command: 'unshare',
      // Its file with its process number has one place; another strongSwan of this machine may have it.
      args: ['--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /run && exec "$@"', 'sh', command, ...args],
      env: { STRONGSWAN_CONF: `${this.#directory}/strongswan.conf` },
    });
    await waitUntil('strongSwan takes the snippet', TIMEOUT_MILLISECONDS, async () => {
      const { code, stdout, stderr } = await this.execute('--load-all');
      return code === 0 ? { value: undefined } : { problem: `${stdout}${stderr}` };
    });
  }

  /** Writes a snippet as its reader is told to. */
  configure({ text, fileName, secretPlaceholder, certificates = [] }: ExternalPeerSnippet, key: string): void {
    this.write(`conf.d/${fileName}`, text.replaceAll(`"${secretPlaceholder}"`, `"${key}"`));
    for (const certificate of certificates) this.write(`x509ca/${certificate.fileName}`, certificate.text);
  }

  /** Below the folder that swanctl reads. */
  write(name: string, content: string | Uint8Array): void {
    const file = `${this.#directory}/swanctl/${name}`;
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }

  /** What charon has said since it began. */
  log(): string {
    return readFileSync(`${this.#directory}/charon.log`, 'utf8');
  }

  /** What swanctl prints, whether it succeeds or not. */
  async swanctl(...args: readonly string[]): Promise<string> {
    return (await this.execute(...args)).stdout;
  }

  execute(...args: readonly string[]): ReturnType<Lab['execute']> {
    const command = strongswanCommand(this.#installation, '/usr/sbin/swanctl');
    const files = [`STRONGSWAN_CONF=${this.#directory}/strongswan.conf`, `SWANCTL_DIR=${this.#directory}/swanctl`];
    const uri = ['--uri', `unix://${this.#directory}/vici`];
    return this.#lab.execute(this.#lab.topology.controllerNamespace, 'env', [...files, ...command, ...args, ...uri]);
  }
}

const TIMEOUT_MILLISECONDS = 60_000;
const STRONGSWAN_CONF = `
charon {
  load = random nonce openssl pem pkcs1 pkcs8 x509 revocation constraints pubkey aes sha1 sha2 hmac kdf gcm curve25519 kernel-libipsec kernel-netlink socket-default vici resolve
  plugins {
    vici { socket = unix://DIRECTORY/vici }
    resolve { file = DIRECTORY/resolv.conf }
  }
  filelog { charon { path = DIRECTORY/charon.log
    default = 1
    flush_line = yes } }
}
swanctl { load = pem pkcs1 x509 revocation constraints pubkey openssl random }
`;

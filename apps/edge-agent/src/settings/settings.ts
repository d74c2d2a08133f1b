import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { formatAddress, parsePrefix } from '@weft/ipsec-core';
import type { PathMtuDiscovery } from '@weft/linux-io';
import { defaultWorkers, MAXIMUM_WORKERS } from '../dataplane/data-plane-thread.js';
import { OWN_PACKETS_MARK } from '../network/overlay-network.js';
import { messageOf } from '../platform/agent-error.js';
import { LOG_LEVELS, type LogLevel } from '../platform/log.js';
import { defaultStateKeyFile } from '../platform/state-key.js';
import { SettingsError } from './settings-error.js';
import type { WrittenValue } from './settings-file.js';

/** How the agent is to run. */
export interface Settings {
  readonly stateDir: string;
  /** File with the key that seals the last bundle. */
  readonly stateKey: string;
  readonly device: string;
  readonly logLevel: LogLevel;
  readonly dataPath: 'auto' | 'portable';
  /** Firewall mark of the agent's own packets. */
  readonly mark: number;
  /** Networks of other sites that are kept in before there is a bundle, beside those that the controller names. */
  readonly protectedNetworks: readonly string[];
  readonly pathMtuDiscovery: PathMtuDiscovery;
  /** Whether peers are asked what their paths carry, and answered. */
  readonly pathProbing: boolean;
  /** Threads of the packet path. */
  readonly workers: number;
  /** How long the controller may be out of reach with a new bundle; 0: for ever. */
  readonly confirmSeconds: number;
  /** Percent of the tunnels, and of the policy entries, that a bundle may remove without the consent of an operator. */
  readonly removalLimit: number;
  /** Where metrics are served; undefined: nowhere. */
  readonly metricsListen: { readonly host: string; readonly port: number } | undefined;
}

/** One of them: what it is called on the command line and in the file, and how it is written. */
export interface Setting {
  readonly name: string;
  readonly argument: string;
  readonly description: string;
  /** What holds when nothing is said, for the reader. */
  readonly otherwise: string;
}

/** All of them, in the order of the help. */
export const SETTINGS: readonly Setting[] = [
  {
    name: 'state-dir',
    argument: '<directory>',
    description: 'where the agent keeps its identity and its last bundle',
    otherwise: '/var/lib/weft-edge',
  },
  {
    name: 'state-key',
    argument: '<file>',
    description: 'key that seals the last bundle; made when there is none',
    otherwise: 'state-dir with .key',
  },
  { name: 'device', argument: '<name>', description: 'name of the overlay device', otherwise: 'weft0' },
  { name: 'log-level', argument: '<level>', description: LOG_LEVELS.join(', '), otherwise: 'info' },
  {
    name: 'data-path',
    argument: '<kind>',
    description: 'auto: the fastest that kernel and Node have; portable: plain packets and node:crypto',
    otherwise: 'auto',
  },
  {
    name: 'mark',
    argument: '<number>',
    description:
      "firewall mark of the agent's own packets, which keeps them out of the overlay; nothing else may use it",
    otherwise: `0x${OWN_PACKETS_MARK.toString(16)}`,
  },
  {
    name: 'protected-networks',
    argument: '<prefixes>',
    description:
      'networks of other sites that are closed until the first bundle, beside those that enrollment names, as ' +
      '10.2.0.0/16,10.3.0.0/16: for a machine that is prepared before it is enrolled',
    otherwise: 'none',
  },
  {
    name: 'path-mtu-discovery',
    argument: '<kind>',
    description:
      'what is too large for the path to a peer. want: leaves as fragments; do: is refused by what the kernel has been told ' +
      'of the path; probe: only by the MTU of the device, so that nobody can tell the kernel anything',
    otherwise: 'want',
  },
  {
    name: 'path-probing',
    argument: '<on|off>',
    description:
      'on: what the path to a peer carries is asked for inside the tunnel, and nothing else is believed of peers that ' +
      'answer; off: ICMP is believed within limits',
    otherwise: 'on',
  },
  {
    name: 'workers',
    argument: '<number>',
    description: `threads of the packet path, which share the tunnels (1 to ${MAXIMUM_WORKERS})`,
    otherwise: String(defaultWorkers(availableParallelism())),
  },
  {
    name: 'confirm-seconds',
    argument: '<number>',
    description:
      'when the controller is not reached for so long after a new bundle, the one before is taken back; 0: it never is',
    otherwise: '120',
  },
  {
    name: 'removal-limit',
    argument: '<percent>',
    description:
      'a bundle that removes a larger share of the tunnels or of the policy entries, and more than ten, is refused unless ' +
      'an operator has agreed to it; 100: none is',
    otherwise: '50',
  },
  {
    name: 'metrics-listen',
    argument: '<address:port>',
    description: 'where metrics are served to Prometheus, as 127.0.0.1:9911; off: nowhere',
    otherwise: 'off',
  },
];

/** Where settings may stand, by the name of the setting. */
export interface WrittenSettings {
  readonly flags: ReadonlyMap<string, string>;
  /** All of the environment: WEFT_EDGE_LOG_LEVEL is log-level. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly file: ReadonlyMap<string, WrittenValue>;
}

/** A flag counts before the environment, that before the file, that before what holds otherwise. Pure. Throws SettingsError. */
export function resolveSettings(written: WrittenSettings): Settings {
  refuseUnknown(written);
  const read = <T>(name: string, parse: (text: string) => T): T => {
    const { text, source } = lookUp(written, name);
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const given = JSON.stringify(text);
      throw new SettingsError('setting_invalid', `${name} (${source}) is ${given}: ${error.message}`, error.fix);
    }
  };
  const stateDir = read('state-dir', path);
  return {
    stateDir,
    stateKey: read('state-key', (text) =>
      text === otherwiseOf('state-key') ? defaultStateKeyFile(stateDir) : path(text),
    ),
    device: read('device', device),
    logLevel: read('log-level', oneOf(LOG_LEVELS)),
    dataPath: read('data-path', oneOf(['auto', 'portable'])),
    mark: read('mark', mark),
    protectedNetworks: read('protected-networks', protectedNetworks),
    pathMtuDiscovery: read('path-mtu-discovery', oneOf(['want', 'do', 'probe'])),
    pathProbing: read('path-probing', oneOf(['on', 'off'])) === 'on',
    workers: read('workers', integer(1, MAXIMUM_WORKERS)),
    confirmSeconds: read('confirm-seconds', confirmSeconds),
    removalLimit: read('removal-limit', integer(0, 100)),
    metricsListen: read('metrics-listen', listenAddress),
  };
}

/** The name of a setting in the environment. */
export function environmentName(name: string): string {
  return `${ENVIRONMENT_PREFIX}${name.replaceAll('-', '_').toUpperCase()}`;
}

function lookUp({ flags, environment, file }: WrittenSettings, name: string): WrittenValue {
  const flag = flags.get(name);
  if (flag !== undefined) return { text: flag, source: `--${name}` };
  const variable = environmentName(name);
  const value = environment[variable];
  if (value !== undefined) return { text: value, source: variable };
  return file.get(name) ?? { text: otherwiseOf(name), source: 'when nothing is said' };
}

/** A name that we do not know is a mistake of writing, and what was meant would not hold. */
function refuseUnknown({ environment, file }: WrittenSettings): void {
  const names = new Set(SETTINGS.map(({ name }) => name));
  const variables = new Set([...names].map(environmentName).concat(CONFIG_VARIABLE));
  for (const [name, { source }] of file) if (!names.has(name)) throw unknown(name, source);
  for (const variable of Object.keys(environment)) {
    if (variable.startsWith(ENVIRONMENT_PREFIX) && !variables.has(variable)) throw unknown(variable, 'the environment');
  }
}

function unknown(name: string, source: string): SettingsError {
  const known = SETTINGS.map((setting) => setting.name).join(', ');
  return new SettingsError('setting_unknown', `${source}: there is no setting ${name}`, `the settings are ${known}`);
}

function otherwiseOf(name: string): string {
  return SETTINGS.find((setting) => setting.name === name)?.otherwise ?? '';
}

class Refusal extends Error {
  readonly fix: string;

  constructor(message: string, fix: string) {
    super(message);
    this.fix = fix;
  }
}

function path(text: string): string {
  if (text !== '' && !text.includes('\0')) return text;
  throw new Refusal('it is not a path', 'write a path');
}

function oneOf<T extends string>(choices: readonly T[]): (text: string) => T {
  return (text) => {
    const found = choices.find((choice) => choice === text);
    if (found !== undefined) return found;
    throw new Refusal(`it is none of ${choices.join(', ')}`, `write one of ${choices.join(', ')}`);
  };
}

function integer(lowest: number, highest: number): (text: string) => number {
  return (text) => {
    const value = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= lowest && value <= highest) return value;
    const wanted = `a whole number from ${lowest} to ${highest}`;
    throw new Refusal(`it is not ${wanted}`, `write ${wanted}`);
  };
}

/** SO_MARK has 32 bits, and 0 is the mark of packets without one. */
function mark(text: string): number {
  const value = /^(0x[0-9a-f]+|[1-9][0-9]*)$/i.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= 0xffffffff) return value;
  throw new Refusal('it is not a number from 1 to 0xffffffff', 'write a number from 1 to 0xffffffff');
}

/**
 * No bundle would lead out of a mistake here: a prefix that holds nearly everything, and with it the way that administrators
 * come, is refused. In IPv6 all unique local addresses (RFC 4193) are the shortest one.
 */
function protectedNetworks(text: string): readonly string[] {
  if (text === 'none') return [];
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  const wanted = 'write prefixes of the networks of other sites, as 10.2.0.0/16,2001:db8:2::/48, or none';
  if (words.length === 0 || words.length > MOST_PREFIXES) {
    throw new Refusal(`it is not 1 to ${MOST_PREFIXES} prefixes`, wanted);
  }
  return words.map((word) => {
    const { address, length } = prefix(word, wanted);
    const shortest = address.length === 4 ? 8 : 7;
    if (length >= shortest) return `${formatAddress(address)}/${length}`;
    throw new Refusal(
      `${word} holds more than a /${shortest}: this machine could not be reached any more until its first bundle`,
      'write the networks of the other sites, each by itself',
    );
  });
}

function prefix(word: string, wanted: string): ReturnType<typeof parsePrefix> {
  try {
    return parsePrefix(word);
  } catch (error) {
    throw new Refusal(messageOf(error), wanted);
  }
}

/** Sessions need some seconds to come back: less would take back what is good. */
function confirmSeconds(text: string): number {
  return text === '0' ? 0 : integer(30, 3600)(text);
}

function listenAddress(text: string): Settings['metricsListen'] {
  if (text === 'off') return undefined;
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-f:]+)\]|([0-9.]+)):([0-9]{1,5})$/i.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host !== undefined && isIP(host) !== 0 && port >= 1 && port <= 0xffff) return { host, port };
  throw new Refusal('it is not an address and a port', 'write off, or as 127.0.0.1:9911 or [::1]:9911');
}

/** IFNAMSIZ has room for 15 octets; the packet filter's language takes these without asking. */
function device(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(text)) return text;
  throw new Refusal(
    'it is not a name of a device',
    'write 1 to 15 letters, digits, dots, dashes and underscores, a letter or digit first',
  );
}

/** More are a case for the controller. */
const MOST_PREFIXES = 1024;
const ENVIRONMENT_PREFIX = 'WEFT_EDGE_';
/** Names the file itself. */
export const CONFIG_VARIABLE = `${ENVIRONMENT_PREFIX}CONFIG`;
export const DEFAULT_CONFIG_FILE = '/etc/weft-edge/weft-edge.conf';

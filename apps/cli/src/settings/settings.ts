import { join } from 'node:path';
import { SettingsError } from './settings-error.js';
import type { WrittenValue } from './settings-file.js';

/** Which controller is asked, as whom, and for how long. */
export interface Settings {
  /** Origin of the controller. */
  readonly controller: URL;
  /** Name or id; undefined: the one that the credential is for. */
  readonly tenant: string | undefined;
  /** File with an API token or a session. */
  readonly tokenFile: string;
  /** File with the authorities (PEM) that are trusted instead of those that Node knows; undefined: those. */
  readonly caFile: string | undefined;
  /** How long one answer may take. */
  readonly timeoutMilliseconds: number;
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
    name: 'controller',
    argument: '<url>',
    description: 'where the controller is; http only on this machine',
    otherwise: 'http://127.0.0.1:8080',
  },
  {
    name: 'tenant',
    argument: '<name or id>',
    description: 'the tenant to work in',
    otherwise: 'that of the token or session',
  },
  {
    name: 'token-file',
    argument: '<file>',
    description: 'file with an API token, for you alone (0600); the variable WEFT_CLI_TOKEN goes before it',
    otherwise: 'token in ~/.config/weft',
  },
  {
    name: 'ca-file',
    argument: '<file>',
    description: 'authorities (PEM) to trust instead of the public ones',
    otherwise: 'the public ones',
  },
  { name: 'timeout', argument: '<seconds>', description: 'how long an answer may take, 1 to 3600', otherwise: '60' },
];

/** Where settings may stand, by the name of the setting. */
export interface WrittenSettings {
  readonly flags: ReadonlyMap<string, string>;
  /** All of the environment: WEFT_CLI_CA_FILE is ca-file. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly file: ReadonlyMap<string, WrittenValue>;
}

/** A flag counts before the environment, that before the file, that before what holds otherwise. Pure. Throws SettingsError. */
export function resolveSettings(written: WrittenSettings): Settings {
  refuseUnknown(written);
  const read = <T>(name: string, parse: (text: string) => T): T | undefined => {
    const value = lookUp(written, name);
    if (value === undefined) return undefined;
    try {
      return parse(value.text);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const given = JSON.stringify(value.text);
      throw new SettingsError('setting_invalid', `${name} (${value.source}) is ${given}: ${error.message}`, error.fix);
    }
  };
  return {
    controller: read('controller', controllerUrl) ?? controllerUrl(otherwiseOf('controller')),
    tenant: read('tenant', nonempty),
    tokenFile: read('token-file', nonempty) ?? join(configDirectory(written.environment), 'token'),
    caFile: read('ca-file', nonempty),
    timeoutMilliseconds: read('timeout', milliseconds) ?? milliseconds(otherwiseOf('timeout')),
  };
}

/** Where settings and token are when nothing else is said (XDG Base Directory Specification). Pure. */
export function configDirectory(environment: Readonly<Record<string, string | undefined>>): string {
  const base = environment['XDG_CONFIG_HOME'];
  // Relative paths there are to be ignored, says the specification.
  if (base?.startsWith('/')) return join(base, 'weft');
  return join(environment['HOME'] ?? '/', '.config', 'weft');
}

/** The name of a setting in the environment. */
export function environmentName(name: string): string {
  return `${ENVIRONMENT_PREFIX}${name.replaceAll('-', '_').toUpperCase()}`;
}

/** An API token or session, which has no flag: whoever lists processes reads those. */
export const TOKEN_VARIABLE = 'WEFT_CLI_TOKEN';
/** The file of settings. */
export const CONFIG_VARIABLE = 'WEFT_CLI_CONFIG';
const ENVIRONMENT_PREFIX = 'WEFT_CLI_';

function lookUp({ flags, environment, file }: WrittenSettings, name: string): WrittenValue | undefined {
  const flag = flags.get(name);
  if (flag !== undefined) return { text: flag, source: `--${name}` };
  const variable = environmentName(name);
  const value = environment[variable];
  if (value !== undefined) return { text: value, source: variable };
  return file.get(name);
}

/** A name that we do not know is a mistake of writing, and what was meant would not hold. */
function refuseUnknown({ environment, file }: WrittenSettings): void {
  const names = new Set(SETTINGS.map(({ name }) => name));
  const variables = new Set([...[...names].map(environmentName), CONFIG_VARIABLE, TOKEN_VARIABLE]);
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

function nonempty(text: string): string {
  if (text !== '' && !text.includes('\0')) return text;
  throw new Refusal('it is empty', 'write something, or leave it out');
}

/** Neither token nor session leaves this machine in the clear. */
function controllerUrl(text: string): URL {
  if (!URL.canParse(text)) throw new Refusal('it is no URL', 'write for example https://weft.example');
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    throw new Refusal('it has a user or password in it', `leave it out; a token goes into ${TOKEN_VARIABLE} or a file`);
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new Refusal('there is something behind the host', 'write the origin alone, as https://weft.example');
  }
  if (url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname))) return url;
  throw new Refusal('it would send the token in the clear', 'write https://; http:// is for this machine only');
}

function milliseconds(text: string): number {
  const seconds = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  if (seconds >= 1 && seconds <= 3600) return seconds * 1000;
  throw new Refusal('it is no number of seconds from 1 to 3600', 'write one');
}

const LOOPBACK = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/;

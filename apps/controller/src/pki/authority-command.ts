import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { parseConfig } from '../config/parse-config.js';
import { Clock } from '../platform/clock/clock.js';
import { createLogger } from '../platform/logging/logger.js';
import { signAuthorityRequest } from './authority-request.js';
import { CertificateAuthority } from './certificate-authority.js';
import type { KeyAndCertificate } from './identity-file.js';
import { readSecretFile, writeSecretFile } from './key-files.js';
import { PkiError } from './pki-error.js';
import { sealRootKey, unsealRootKey } from './sealed-root-key.js';

/** What is done with keys that are not on the controller's machine. */
export type AuthorityCommand =
  | { readonly kind: 'export' | 'restore'; readonly file: string; readonly passphrase: string }
  | { readonly kind: 'request' | 'import'; readonly file: string }
  | {
      readonly kind: 'sign';
      readonly file: string;
      readonly rootKey: string;
      readonly passphrase: string;
      readonly out: string;
    };

/** Undefined when the arguments are none of these commands. */
export function parseAuthorityCommand(args: readonly string[]): AuthorityCommand | undefined {
  const values = valuesOf(args);
  if (values === undefined) return undefined;
  const given = Object.entries(values).flatMap(([name, value]) => (value === undefined || value === '' ? [] : [name]));
  const command = COMMANDS.find(({ option }) => given.includes(option));
  if (command === undefined || [...given].sort().join() !== [command.option, ...command.needs].sort().join())
    return undefined;
  const value = (name: keyof typeof OPTIONS) => values[name] ?? '';
  const [file, passphrase] = [value(command.option), value('passphrase')];
  if (command.kind === 'sign') return { kind: 'sign', file, rootKey: value('root-key'), passphrase, out: value('out') };
  if (command.kind === 'export' || command.kind === 'restore') return { kind: command.kind, file, passphrase };
  return { kind: command.kind, file };
}

/** Does it. @returns what was done, for people. Throws PkiError, ConfigError. */
export async function runAuthorityCommand(command: AuthorityCommand): Promise<string> {
  switch (command.kind) {
    case 'export':
      return exportRootKey(command.file, command.passphrase);
    case 'restore':
      return restoreRootKey(command.file, command.passphrase);
    case 'sign':
      return sign(command.file, command.rootKey, command.passphrase, command.out);
    case 'request':
      return request(command.file);
    case 'import':
      return importIssued(command.file);
  }
}

async function exportRootKey(file: string, passphraseFile: string): Promise<string> {
  const authority = await loadedAuthority();
  const passphrase = await passphraseIn(passphraseFile);
  const root = authority.rootKey;
  await createFile(file, await sealRootKey(root, passphrase));
  // What cannot be opened again would be lost for good.
  const { privateKey } = await opened(file, passphraseFile);
  if (!privateKey.equals(root.privateKey)) throw new PkiError('bad_file', `${file} was not written as it should`);
  await authority.removeRootKey();
  return `${file} holds the key of the root, which is not in WEFT_DATA_DIR any more; keep it, and the passphrase elsewhere`;
}

async function restoreRootKey(file: string, passphraseFile: string): Promise<string> {
  const authority = await loadedAuthority();
  await authority.restoreRootKey(await opened(file, passphraseFile));
  return 'the key of the root is in WEFT_DATA_DIR again; export it anew when it has done what it is for';
}

async function sign(file: string, rootKey: string, passphraseFile: string, out: string): Promise<string> {
  const root = await opened(rootKey, passphraseFile);
  const certificate = await signAuthorityRequest(await textOf(file), root, new Clock().now());
  await createFile(out, `${certificate}${root.certificate}`);
  return `${out} holds the certificate for ${certificate.subject}, until ${new Date(certificate.validTo).toISOString()}`;
}

async function request(file: string): Promise<string> {
  const authority = await loadedAuthority();
  await createFile(file, await authority.requestIntermediate());
  return `${file} asks for a certificate; its key waits in WEFT_DATA_DIR for --certificate-authority-import`;
}

async function importIssued(file: string): Promise<string> {
  const authority = await loadedAuthority();
  const before = authority.rootFingerprint;
  await authority.importIntermediate(await textOf(file));
  const root = authority.rootFingerprint;
  return before.equals(root)
    ? 'certificates are issued by another intermediate when the controller is started anew; those of the one before stay good'
    : `certificates are issued below ${root.toString('hex')} when the controller is started anew; the root before is trusted until it is retired`;
}

async function loadedAuthority(): Promise<CertificateAuthority> {
  const authority = new CertificateAuthority(parseConfig(process.env), new Clock(), createLogger('warn'));
  await authority.load();
  return authority;
}

async function opened(file: string, passphraseFile: string): Promise<KeyAndCertificate> {
  const text = await readSecretFile(file);
  if (text === undefined) throw new PkiError('bad_file', `${file} does not exist`);
  return unsealRootKey(file, text, await passphraseIn(passphraseFile));
}

async function passphraseIn(file: string): Promise<string> {
  const text = await readSecretFile(file);
  if (text === undefined)
    throw new PkiError('bad_file', `${file} does not exist; it holds the passphrase, in one line`);
  return text.replace(/\r?\n$/, '');
}

async function createFile(file: string, content: string): Promise<void> {
  if (await writeSecretFile(file, content, 'create')) return;
  throw new PkiError('bad_file', `${file} exists already; name another`);
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new PkiError('bad_file', `${file} cannot be read`, cause);
  }
}

function valuesOf(args: readonly string[]): Partial<Record<keyof typeof OPTIONS, string>> | undefined {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: false }).values;
  } catch {
    return undefined;
  }
}

const OPTIONS = {
  'export-root-key': { type: 'string' },
  'restore-root-key': { type: 'string' },
  'certificate-authority-request': { type: 'string' },
  'certificate-authority-sign': { type: 'string' },
  'certificate-authority-import': { type: 'string' },
  passphrase: { type: 'string' },
  'root-key': { type: 'string' },
  out: { type: 'string' },
} as const;

interface CommandForm {
  readonly kind: AuthorityCommand['kind'];
  readonly option: keyof typeof OPTIONS;
  readonly needs: readonly (keyof typeof OPTIONS)[];
}

const COMMANDS: readonly CommandForm[] = [
  { kind: 'export', option: 'export-root-key', needs: ['passphrase'] },
  { kind: 'restore', option: 'restore-root-key', needs: ['passphrase'] },
  { kind: 'request', option: 'certificate-authority-request', needs: [] },
  { kind: 'sign', option: 'certificate-authority-sign', needs: ['root-key', 'passphrase', 'out'] },
  { kind: 'import', option: 'certificate-authority-import', needs: [] },
];

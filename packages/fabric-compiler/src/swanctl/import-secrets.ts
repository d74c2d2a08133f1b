import { parseIkeIdentity } from '../external-identity.js';
import type { ImportReport } from './import-report.js';
import type { ResolvedSection } from './resolved-settings.js';
import { writtenIdentity } from './written-identity.js';

/** A pre-shared key as it stands in `secrets`. */
export interface ImportedSecret {
  readonly section: ResolvedSection;
  /** Whose it is; of everybody without any. */
  readonly owners: ReadonlySet<string>;
  /** Undefined: refused, and said. */
  readonly key: string | undefined;
}

export function importSecrets(secrets: ResolvedSection | undefined, report: ImportReport): readonly ImportedSecret[] {
  if (secrets === undefined) return [];
  for (const name of secrets.settings.keys()) {
    report.refuse(secrets, name, 'unknown_key', 'swanctl.conf(5) has no settings here', 'Put it into a section ike-….');
  }
  return [...secrets.sections].flatMap(([name, section]) => {
    if (OF_PRIVATE_KEYS.test(name)) {
      for (const setting of section.settings.keys()) report.leave(section, setting);
      return [];
    }
    if (!name.startsWith('ike')) {
      const fix = 'External peers have pre-shared keys, in sections whose name begins with ike; take this one out.';
      report.refuse(section, '', 'not_offered', 'It is no pre-shared key of IKE', fix);
      return [];
    }
    return [importSecret(section, report)];
  });
}

/**
 * The key that both ends have, found as strongSwan finds it: that which belongs to most of the two. Undefined, and said, without one
 * or with several.
 */
export function secretOf(
  secrets: readonly ImportedSecret[],
  connection: ResolvedSection,
  identities: readonly string[],
  report: ImportReport,
): ImportedSecret | undefined {
  const matches = ({ owners }: ImportedSecret) => identities.filter((identity) => owners.has(normal(identity))).length;
  const usable = secrets.filter((secret) => secret.owners.size === 0 || matches(secret) > 0);
  const best = Math.max(0, ...usable.map(matches));
  const [found, ...others] = usable.filter((secret) => matches(secret) === best);
  if (found !== undefined && others.length === 0) return found;
  const detail =
    found === undefined
      ? 'No key in secrets belongs to the two ends'
      : 'Several keys in secrets belong to the two ends';
  const fix = 'Write one section ike-… in secrets, with the id of both ends and the key.';
  return report.refuse(connection, '', 'missing_key', detail, fix);
}

function importSecret(section: ResolvedSection, report: ImportReport): ImportedSecret {
  const owners = new Set<string>();
  for (const [name, { value }] of section.settings) {
    if (name === 'secret') continue;
    if (name.startsWith('id')) owners.add(normal(value));
    else report.refuse(section, name, 'unknown_key', 'swanctl.conf(5) has no such key here', 'Take it out.');
  }
  for (const name of section.sections.keys()) {
    report.refuse(section, name, 'unknown_key', 'swanctl.conf(5) has no such section here', 'Take it out.');
  }
  const text = section.settings.get('secret')?.value;
  const key = text === undefined ? undefined : keyOf(text);
  if (key !== undefined && KEY.test(key)) return { section, owners, key };
  const fix = 'Set a key of 16 to 256 printable ASCII characters at both ends, at random.';
  const [rule, detail] =
    text === undefined
      ? (['missing_key', 'There is no key'] as const)
      : (['unmapped_value', 'The key is not 16 to 256 printable ASCII characters'] as const);
  report.refuse(section, 'secret', rule, detail, fix);
  return { section, owners, key: undefined };
}

/** "It may either be an ASCII string, a hex encoded string if it has a 0x prefix or a Base64 encoded string if it has a 0s prefix". */
function keyOf(text: string): string | undefined {
  const encoded = text.slice(2);
  if (/^0x/i.test(text)) {
    if (!/^(?:[0-9a-f]{2})+$/i.test(encoded)) return undefined;
    return encoded.replaceAll(/../g, (octet) => String.fromCharCode(Number.parseInt(octet, 16)));
  }
  return /^0s/i.test(text) ? fromBase64(encoded) : text;
}

/** Base64 of ASCII (RFC 4648 section 4); undefined when it is none, or has bits set that it does not use. */
function fromBase64(text: string): string | undefined {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return undefined;
  const bits = [...text.replaceAll('=', '')]
    .map((digit) => BASE64.indexOf(digit).toString(2).padStart(6, '0'))
    .join('');
  const octets = bits.match(/[01]{8}/g) ?? [];
  if (bits.slice(8 * octets.length).includes('1')) return undefined;
  return octets.map((octet) => String.fromCharCode(Number.parseInt(octet, 2))).join('');
}

/** What strongSwan takes for the same identity is the same. Of names the case does not count (RFC 4343), of key IDs every octet does. */
function normal(identity: string): string {
  const parsed = parseIkeIdentity(writtenIdentity(identity) ?? '');
  if (parsed === undefined) return identity.toLowerCase();
  return parsed.type === 2 || parsed.type === 3
    ? String.fromCharCode(...parsed.data).toLowerCase()
    : `${parsed.type} ${parsed.data.join()}`;
}

/** Passwords of the private keys of the gateway. */
const OF_PRIVATE_KEYS = /^(?:private|rsa|ecdsa|pkcs8|pkcs12|token)/;
/** What external peers have. */
const KEY = /^[\x20-\x7e]{16,256}$/;
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

import type { BundleIdentity, BundleIkeProposal, KeyExchangeMethod } from '../bundle.js';
import type { FabricIntent } from '../intent.js';
import { type DescribedTunnel, describedTunnel } from './described-tunnel.js';
import { addressText, prefixText } from './selector-text.js';
import { commentText, connectionName, PLACEHOLDER, type SnippetResult } from './snippet.js';

/**
 * A connection for /etc/ipsec.d of Libreswan (ipsec.conf(5)), and a file with its key (ipsec.secrets(5)), so that the gateway accepts
 * what the bundle of our edge says. A tunnel that Libreswan cannot be told of is a problem.
 */
export function libreswanSnippet(intent: FabricIntent, externalPeerId: string): SnippetResult {
  const result = describedTunnel(intent, externalPeerId);
  if (!result.ok) return result;
  const { described } = result;
  const { remoteIdentity, authentication } = described.external;
  if (authentication.kind === 'pinned_certificates') return refused(described, CERTIFICATES);
  const obstacle = obstacleOf(described);
  if (obstacle !== undefined) return refused(described, obstacle);
  const name = connectionName(described.peer.name);
  const [ours, theirs] = [identityText(authentication.localIdentity), identityText(remoteIdentity)];
  const secrets = {
    fileName: `${name}.secrets`,
    text: `# Write the pre-shared key for ${PLACEHOLDER}; one that has " in it as 0s and its Base64, without quotation marks.\n${theirs} ${ours} : PSK "${PLACEHOLDER}"\n`,
  };
  const text = configurationText(name, described, [ours, theirs]);
  const snippet = {
    format: 'libreswan',
    fileName: `${name}.conf`,
    text,
    secrets,
    secretPlaceholder: PLACEHOLDER,
  } as const;
  return { ok: true, snippet };
}

interface Obstacle {
  readonly detail: string;
  readonly fix: string;
}

function refused({ peer, pointer }: DescribedTunnel, { detail, fix }: Obstacle): SnippetResult {
  const told = `Libreswan cannot be an end of the tunnel with the external peer "${peer.name}": ${detail}`;
  return { ok: false, problems: [{ pointer, rule: 'not_deliverable', detail: told, fix }] };
}

/** What Libreswan has no words for. */
function obstacleOf({ external, ike }: DescribedTunnel): Obstacle | undefined {
  const { proposals, childKeyExchange } = ike;
  const children = childKeyExchange === undefined ? [] : [childKeyExchange];
  const methods = [...proposals.map(({ keyExchange }) => keyExchange), ...children].flatMap((exchange) => [
    exchange.method,
    ...exchange.additionalMethods,
  ]);
  if (methods.some((method) => METHODS[method] === undefined)) {
    return { detail: 'it has no X448.', fix: 'Use X25519 or an ECP group.' };
  }
  if (children.some(({ additionalMethods }) => additionalMethods.length > 0)) {
    const fix = 'Use a single key exchange in the ESP proposal, or none; those of the IKE SA may have more.';
    return { detail: 'it has no additional key exchanges for Child SAs.', fix };
  }
  if ([...external.localAddresses, ...external.remoteAddresses].every((range) => prefixText(range) !== undefined))
    return undefined;
  const fix = 'Use networks that are together a prefix, or that do not adjoin each other.';
  return { detail: 'its traffic selectors are prefixes, and adjoining networks form a range that is none.', fix };
}

function configurationText(
  name: string,
  described: DescribedTunnel,
  [ours, theirs]: readonly [ours: string, theirs: string],
): string {
  const { peer, edge, tunnel, external, ike } = described;
  const { remote, profile } = tunnel;
  const several = external.localAddresses.length > 1 || external.remoteAddresses.length > 1;
  const hybrid = ike.proposals.some(({ keyExchange }) => keyExchange.additionalMethods.length > 0);
  const child = ike.childKeyExchange === undefined ? '' : `;${METHODS[ike.childKeyExchange.method]}`;
  const settings = [
    'ikev2=yes',
    'authby=secret',
    'type=tunnel',
    `left=${remote.address}`,
    `leftid="${theirs}"`,
    ...portSetting('left', remote.port),
    `leftsubnet=${external.remoteAddresses.map(prefixText).join(',')}`,
    `right=${edge.underlay.address}`,
    `rightid="${ours}"`,
    ...portSetting('right', edge.underlay.port),
    `rightsubnet=${external.localAddresses.map(prefixText).join(',')}`,
    `ike=${ike.proposals.map(ikeText).join(',')}`,
    // RFC 9370 section 2.2.2: the additional exchanges are IKE_INTERMEDIATE, which Libreswan has to be told of.
    ...(hybrid ? ['intermediate=yes'] : []),
    `esp=aes_gcm${profile.keyBits}${child}`,
    `pfs=${ike.childKeyExchange === undefined ? 'no' : 'yes'}`,
    `esn=${profile.extendedSequenceNumbers ? 'yes' : 'no'}`,
    'auto=add',
  ];
  const comments = [
    `${commentText(peer.name)}: the tunnel with the edge at ${edge.underlay.address}.`,
    `With ${name}.secrets in /etc/ipsec.d: ipsec auto --rereadsecrets; ipsec auto --add ${name}`,
    'The edge begins, and rekeys before the lifetimes end that Libreswan has when none are written.',
    ...(several
      ? ['Several networks at an end are one Child SA from Libreswan 5.0 on; earlier ones refuse them.']
      : []),
    ...(hybrid ? ['Additional key exchanges need a Libreswan that has ML-KEM.'] : []),
  ];
  return [...comments.map((line) => `# ${line}`), `conn ${name}`, ...settings.map((line) => `\t${line}`), ''].join(
    '\n',
  );
}

/** "If preceded by @, the value is used as a literal string and will not be resolved"; after "@#" comes a key ID in hexadecimal. */
function identityText({ type, data }: BundleIdentity): string {
  if (type === 1 || type === 5) return addressText(data);
  if (type === 11) return `@#${Array.from(data, (octet) => octet.toString(16).padStart(2, '0')).join('')}`;
  const text = String.fromCharCode(...data);
  return type === 2 ? `@${text}` : text;
}

/** "This port cannot be 0 or 500"; Libreswan listens there and at 4500 without being told. */
function portSetting(end: 'left' | 'right', port: number): readonly string[] {
  return port === 500 || port === 4500 ? [] : [`${end}ikeport=${port}`];
}

function ikeText({ keyBits, prf, keyExchange }: BundleIkeProposal): string {
  const added = keyExchange.additionalMethods.map((method, index) => `;addke${index + 1}=${METHODS[method]}`);
  return `aes_gcm${keyBits}-${PRFS[prf]}-${METHODS[keyExchange.method]}${added.join('')}`;
}

const CERTIFICATES: Obstacle = {
  detail: 'its certificates are in a database of NSS, which no file of its configuration can fill.',
  fix: 'Use a pre-shared key, or configure Libreswan by what the snippet for swanctl says.',
};
/** Keywords of Libreswan. */
const PRFS = { 'hmac-sha2-256': 'sha2_256', 'hmac-sha2-384': 'sha2_384', 'hmac-sha2-512': 'sha2_512' } as const;
const METHODS: Readonly<Record<KeyExchangeMethod, string | undefined>> = {
  19: 'dh19',
  20: 'dh20',
  21: 'dh21',
  31: 'dh31',
  32: undefined,
  35: 'ml_kem_512',
  36: 'ml_kem_768',
  37: 'ml_kem_1024',
};

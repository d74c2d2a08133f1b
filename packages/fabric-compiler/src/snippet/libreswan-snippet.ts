import type { BundleEndpoint, BundleIdentity, BundleIkeProposal, KeyExchangeMethod } from '../bundle.js';
import { edgeSubject } from '../fabric/peer-section.js';
import type { FabricIntent } from '../intent.js';
import { type DescribedTunnel, describedTunnel } from './described-tunnel.js';
import { addressText, prefixText } from './selector-text.js';
import { commentText, connectionName, PLACEHOLDER, type SnippetResult } from './snippet.js';

/**
 * A connection for /etc/ipsec.d of Libreswan (ipsec.conf(5)), so that the gateway accepts what the bundle of our edge says; and a file with
 * its key (ipsec.secrets(5)), or those with certificates for its database. A tunnel that Libreswan cannot be told of is a problem.
 *
 * @param authorities PEM of those that our edges have their certificates from, for a gateway that proves itself with one
 */
export function libreswanSnippet(
  intent: FabricIntent,
  externalPeerId: string,
  authorities: readonly string[] = [],
): SnippetResult {
  const result = describedTunnel(intent, externalPeerId);
  if (!result.ok) return result;
  const { described } = result;
  const { remoteIdentity, authentication } = described.external;
  const { remote } = described.tunnel;
  if (remote === undefined) return refused(described, UNTRIED);
  const obstacle = obstacleOf(described);
  if (obstacle !== undefined) return refused(described, obstacle);
  const name = connectionName(described.peer.name);
  const theirs = identityText(remoteIdentity);
  const made = { format: 'libreswan', fileName: `${name}.conf` } as const;
  if (authentication.kind === 'pinned_certificates') {
    const certificates = authorities.map((text, index) => ({ fileName: `${name}-${index + 1}.pem`, text }));
    const text = configurationText(name, described, remote, theirs, withCertificates(name, certificates, described));
    return { ok: true, snippet: { ...made, text, certificates } };
  }
  const ours = identityText(authentication.localIdentity);
  const secrets = {
    fileName: `${name}.secrets`,
    text: `# Write the pre-shared key for ${PLACEHOLDER}; one that has " in it as 0s and its Base64, without quotation marks.\n${theirs} ${ours} : PSK "${PLACEHOLDER}"\n`,
  };
  const proof: Proof = {
    instructions: [`With ${name}.secrets in /etc/ipsec.d: ipsec auto --rereadsecrets; ipsec auto --add ${name}`],
    method: 'secret',
    ours,
    left: [],
    right: [],
  };
  const text = configurationText(name, described, remote, theirs, proof);
  return { ok: true, snippet: { ...made, text, secrets, secretPlaceholder: PLACEHOLDER } };
}

/** What differs with how the ends prove who they are. */
interface Proof {
  readonly instructions: readonly string[];
  readonly method: string;
  readonly ours: string;
  readonly left: readonly string[];
  readonly right: readonly string[];
}

/** Libreswan keeps certificates in a database of NSS, by nicknames: the file can but name them. */
function withCertificates(
  name: string,
  certificates: readonly { readonly fileName: string }[],
  { peer, edge }: DescribedTunnel,
): Proof {
  const imports = certificates.map(
    ({ fileName }, index) =>
      `certutil -A -d sql:/var/lib/ipsec/nss -n ${name}-authority-${index + 1} -t "CT,," -a -i ${fileName}`,
  );
  return {
    instructions: [
      'The database of NSS (ipsec initnss makes it; before Debian 12 and RHEL 9 it may be in /etc/ipsec.d) needs what signed our certificates:',
      ...imports,
      `and the gateway's certificate, which names ${commentText(peer.identity)}, with its key, as ${name}:`,
      `openssl pkcs12 -export -name ${name} -in gateway.pem -inkey gateway.key -out gateway.p12; ipsec import gateway.p12`,
      `Then: ipsec auto --add ${name}`,
      // RFC 7296 leaves it to the PAD which authority vouches for whom; rightca takes one, and there are two while one replaces another.
      'Any authority in that database may vouch for our end (rightca): keep others out of it.',
    ],
    method: 'rsasig,ecdsa',
    ours: edgeSubject(edge.edgeId),
    left: [`leftcert=${name}`, 'leftrsasigkey=%cert', 'leftsendcert=always'],
    right: ['rightrsasigkey=%cert', 'rightca=%any'],
  };
}

interface Obstacle {
  readonly detail: string;
  readonly fix: string;
}

function refused({ peer, pointer }: DescribedTunnel, { detail, fix }: Obstacle): SnippetResult {
  const told = `Libreswan cannot be an end of the tunnel with the external peer "${peer.name}": ${detail}`;
  return { ok: false, problems: [{ pointer, rule: 'not_deliverable', detail: told, fix }] };
}

/** What is written here has been read by Libreswan; nothing of the kind has been for a remote host. */
const UNTRIED: Obstacle = {
  detail: 'how it is a remote host with an address of a pool has not been tried.',
  fix: 'Use the configuration for strongSwan.',
};

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
  remote: BundleEndpoint,
  theirs: string,
  { instructions, method, ours, left, right }: Proof,
): string {
  const { peer, edge, tunnel, external, ike } = described;
  const { profile } = tunnel;
  const several = external.localAddresses.length > 1 || external.remoteAddresses.length > 1;
  const hybrid = ike.proposals.some(({ keyExchange }) => keyExchange.additionalMethods.length > 0);
  const child = ike.childKeyExchange === undefined ? '' : `;${METHODS[ike.childKeyExchange.method]}`;
  const settings = [
    'ikev2=yes',
    `authby=${method}`,
    'type=tunnel',
    `left=${remote.address}`,
    `leftid="${theirs}"`,
    ...left,
    ...portSetting('left', remote.port),
    `leftsubnet=${external.remoteAddresses.map(prefixText).join(',')}`,
    `right=${edge.underlay.address}`,
    `rightid="${ours}"`,
    ...right,
    ...portSetting('right', edge.underlay.port),
    `rightsubnet=${external.localAddresses.map(prefixText).join(',')}`,
    `ike=${ike.proposals.map(ikeText).join(',')}`,
    // RFC 9370 section 2.2.2: the additional exchanges are IKE_INTERMEDIATE, which Libreswan has to be told of.
    ...(hybrid ? ['intermediate=yes'] : []),
    `esp=${cipherText(profile)}${child}`,
    `pfs=${ike.childKeyExchange === undefined ? 'no' : 'yes'}`,
    `esn=${profile.extendedSequenceNumbers ? 'yes' : 'no'}`,
    'auto=add',
  ];
  const comments = [
    `${commentText(peer.name)}: the tunnel with the edge at ${edge.underlay.address}.`,
    ...instructions,
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

function ikeText({ prf, keyExchange, ...cipher }: BundleIkeProposal): string {
  const added = keyExchange.additionalMethods.map((method, index) => `;addke${index + 1}=${METHODS[method]}`);
  return `${cipherText(cipher)}-${PRFS[prf]}-${METHODS[keyExchange.method]}${added.join('')}`;
}

function cipherText({ encryption, keyBits }: Pick<BundleIkeProposal, 'encryption' | 'keyBits'>): string {
  return encryption === 'aes-gcm-16' ? `aes_gcm${keyBits}` : 'chacha20_poly1305';
}

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

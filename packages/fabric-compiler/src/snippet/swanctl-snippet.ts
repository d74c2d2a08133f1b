import type {
  BundleEndpoint,
  BundleExternalPeer,
  BundleIkeProposal,
  BundleKeyExchange,
  RemoteHostTunnel,
} from '../bundle.js';
import { edgeSubject } from '../fabric/peer-section.js';
import type { FabricIntent } from '../intent.js';
import { METHOD_KEYWORDS, PRF_KEYWORDS } from '../swanctl/keywords.js';
import { type DescribedTunnel, describedTunnel } from './described-tunnel.js';
import { selectorText } from './selector-text.js';
import { commentText, connectionName, PLACEHOLDER, type SnippetResult } from './snippet.js';

/**
 * A file for /etc/swanctl/conf.d of strongSwan, so that the gateway accepts what the bundle of our edge says and asks for nothing
 * else. It follows from the same tunnel as the bundle.
 *
 * @param authorities PEM of those that our edges have their certificates from, for a gateway that proves itself with one
 */
export function swanctlSnippet(
  intent: FabricIntent,
  externalPeerId: string,
  authorities: readonly string[] = [],
): SnippetResult {
  const result = describedTunnel(intent, externalPeerId);
  if (!result.ok) return result;
  const { described } = result;
  const name = connectionName(described.peer.name);
  const fileName = `${name}.conf`;
  if (described.external.authentication.kind === 'pre_shared_key') {
    const text = swanctlText(name, described, withKey(name, described));
    return { ok: true, snippet: { format: 'swanctl', fileName, text, secretPlaceholder: PLACEHOLDER } };
  }
  const certificates = authorities.map((text, index) => ({ fileName: `${name}-${index + 1}.pem`, text }));
  const text = swanctlText(name, described, withCertificates(certificates, described));
  return { ok: true, snippet: { format: 'swanctl', fileName, text, certificates } };
}

/** What differs with how the ends prove who they are. */
interface Proof {
  readonly instruction: string;
  readonly local: string;
  readonly remote: string;
  readonly secrets: string;
}

function withKey(name: string, { peer }: DescribedTunnel): Proof {
  const [ours, theirs] = [`"${peer.localIdentity}"`, `"${peer.identity}"`];
  return {
    instruction: `Write the pre-shared key for ${PLACEHOLDER} (0s and its Base64 if it begins with 0x or 0s, or has " or \\), then: swanctl --load-all`,
    local: `auth = psk
      id = ${theirs}`,
    remote: `auth = psk
      id = ${ours}`,
    secrets: `secrets {
  ike-${name} {
    id-edge = ${ours}
    id-gateway = ${theirs}
    secret = "${PLACEHOLDER}"
  }
}
`,
  };
}

/** strongSwan finds the certificate of the gateway by the identity, which the certificate has to name. */
function withCertificates(
  certificates: readonly { readonly fileName: string }[],
  { peer, edge }: DescribedTunnel,
): Proof {
  const files = certificates.map(({ fileName }) => fileName).join(', ');
  return {
    instruction: `In swanctl's folders: ${files} in x509ca; the gateway's certificate, which names ${peer.identity}, in x509, and its key in private. Then: swanctl --load-all`,
    local: `auth = pubkey
      id = "${peer.identity}"`,
    remote: `auth = pubkey
      id = "${edgeSubject(edge.edgeId)}"
      cacerts = ${files}`,
    secrets: '',
  };
}

function swanctlText(name: string, { edge, tunnel, external, ike, peer }: DescribedTunnel, proof: Proof): string {
  const { proposals, childKeyExchange, ikeLifetimeSeconds, childLifetimeSeconds } = ike;
  const end = tunnel.remote === undefined ? hostEnd(tunnel, edge) : gatewayEnd(tunnel.remote, external);
  // The edge asks whether the other end lives; it rekeys first, and the other does should the edge not.
  return `# ${commentText(peer.name)}: the tunnel with the edge at ${edge.underlay.address}.
# ${proof.instruction}
connections {
  ${name} {
    version = 2
    ${end.addresses.join('\n    ')}
    remote_addrs = ${edge.underlay.address}
    remote_port = ${edge.underlay.port}
    proposals = ${proposals.map(ikeKeywords).join(', ')}
    ${end.connection.join('\n    ')}
    unique = replace
    rekey_time = ${2 * ikeLifetimeSeconds}s
    local {
      ${proof.local}
    }
    remote {
      ${proof.remote}
    }
    children {
      ${name} {
        ${end.selectors.map((line) => `${line}\n        `).join('')}remote_ts = ${external.localAddresses.map(selectorText).join(', ')}
        esp_proposals = ${espKeywords(tunnel, childKeyExchange)}
        rekey_time = ${2 * childLifetimeSeconds}s
        ${end.start.join('\n        ')}
      }
    }
  }
}
${proof.secrets}`;
}

/** Settings that a gateway has and a remote host has not, or the other way round; a setting each. */
interface SwanctlEnd {
  readonly addresses: readonly string[];
  readonly connection: readonly string[];
  readonly selectors: readonly string[];
  readonly start: readonly string[];
}

/** It is called by the edge. */
function gatewayEnd({ address, port }: BundleEndpoint, { remoteAddresses }: BundleExternalPeer): SwanctlEnd {
  return {
    addresses: [`local_addrs = ${address}`, `local_port = ${port}`],
    connection: ['mobike = no'],
    selectors: [`local_ts = ${remoteAddresses.map(selectorText).join(', ')}`],
    start: ['start_action = none'],
  };
}

/**
 * It calls the edge from whatever address it has, asks for those that it is assigned, and moves with MOBIKE (RFC 4555). Without
 * `local_ts` its traffic selectors are these addresses. Where the edge is at another port than 500, every packet begins with the
 * non-ESP marker (RFC 7296 section 2.23), which strongSwan writes from its port 4500.
 */
function hostEnd({ remoteAccess: { addresses } }: RemoteHostTunnel, { underlay }: DescribedTunnel['edge']): SwanctlEnd {
  const asked = addresses.map((address) => (address.includes(':') ? '::' : '0.0.0.0'));
  return {
    addresses: [
      ...(underlay.port === IKE_PORT ? [] : [`local_port = ${NAT_TRAVERSAL_PORT}`]),
      `vips = ${asked.join(', ')}`,
    ],
    connection: ['mobike = yes', 'keyingtries = 0', `dpd_delay = ${LIVENESS_SECONDS}s`],
    selectors: [],
    start: ['start_action = start', 'close_action = start', 'dpd_action = restart'],
  };
}

const IKE_PORT = 500;
const NAT_TRAVERSAL_PORT = 4500;
/** Seconds without a packet from the edge after which the host asks whether it lives. */
const LIVENESS_SECONDS = 30;

function ikeKeywords({ prf, keyExchange, ...cipher }: BundleIkeProposal): string {
  return `${cipherKeyword(cipher)}-${PRF_KEYWORDS[prf]}-${exchangeKeywords(keyExchange)}`;
}

/** ESN is a choice of its own: offering both would leave it to the gateway. */
function espKeywords({ profile }: DescribedTunnel['tunnel'], keyExchange: BundleKeyExchange | undefined): string {
  const parts = [cipherKeyword(profile), ...(keyExchange === undefined ? [] : [exchangeKeywords(keyExchange)])];
  return [...parts, profile.extendedSequenceNumbers ? 'esn' : 'noesn'].join('-');
}

function cipherKeyword({ encryption, keyBits }: Pick<BundleIkeProposal, 'encryption' | 'keyBits'>): string {
  return encryption === 'aes-gcm-16' ? `aes${keyBits}gcm16` : 'chacha20poly1305';
}

function exchangeKeywords({ method, additionalMethods }: BundleKeyExchange): string {
  return [
    METHOD_KEYWORDS[method],
    ...additionalMethods.map((added, index) => `ke${index + 1}_${METHOD_KEYWORDS[added]}`),
  ].join('-');
}

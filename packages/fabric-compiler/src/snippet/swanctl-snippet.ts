import type { Family } from '../address/family.js';
import { numberFromOctets, octetsFromNumber } from '../address/octets.js';
import { formatAddressText } from '../address/text.js';
import type { BundleAddressRange, BundleIkeProposal, BundleKeyExchange, BundleTunnel } from '../bundle.js';
import { type ExternalTunnel, externalTunnels } from '../external-tunnels.js';
import type { FabricIntent, IntentExternalPeer } from '../intent.js';
import type { CompileProblem } from '../problem.js';
import { checkReferences } from '../references.js';
import { METHOD_KEYWORDS, PRF_KEYWORDS } from '../swanctl/keywords.js';
import { checkTopology } from '../topology.js';

/** What the operator of a gateway that is not ours configures there. */
export interface Snippet {
  readonly format: 'swanctl';
  readonly fileName: string;
  readonly text: string;
  /** Stands in the text where the pre-shared key is to be written, which nobody here can read. */
  readonly secretPlaceholder: string;
}

/** No problems: there is no edge that could have the tunnel. */
export type SnippetResult =
  | { readonly ok: true; readonly snippet: Snippet }
  | { readonly ok: false; readonly problems: readonly CompileProblem[] };

/**
 * A file for /etc/swanctl/conf.d of strongSwan, so that the gateway accepts what the bundle of our edge says and asks for nothing
 * else. It follows from the same tunnel as the bundle.
 */
export function swanctlSnippet(intent: FabricIntent, externalPeerId: string): SnippetResult {
  const problems: CompileProblem[] = [];
  const topology = checkTopology(intent, problems);
  checkReferences(intent, problems);
  const tunnels = externalTunnels(intent, topology, problems);
  const external = [...tunnels.values()].find(({ tunnel }) => tunnel.peerEdgeId === externalPeerId);
  const peer = (intent.externalPeers ?? []).find(({ id }) => id === externalPeerId);
  if (problems.length > 0 || external === undefined || peer === undefined) return { ok: false, problems };
  const name = connectionName(peer.name);
  const text = swanctlText(name, external, peer);
  return { ok: true, snippet: { format: 'swanctl', fileName: `${name}.conf`, text, secretPlaceholder: PLACEHOLDER } };
}

function swanctlText(name: string, { edge, tunnel }: ExternalTunnel, peer: IntentExternalPeer): string {
  const { external, keying, remote } = tunnel;
  if (external === undefined || keying.mode !== 'ikev2') throw new Error('an external peer negotiates');
  const { proposals, childKeyExchange, ikeLifetimeSeconds, childLifetimeSeconds } = keying.ike;
  const [ours, theirs] = [`"${peer.localIdentity}"`, `"${peer.identity}"`];
  // The edge initiates, and asks whether the gateway lives; it rekeys first, and the gateway does should the edge not.
  return `# ${peer.name.replaceAll(/[^\x20-\x7e]/g, '?')}: the tunnel with the edge at ${edge.underlay.address}.
# Write the pre-shared key for ${PLACEHOLDER}, then: swanctl --load-all
connections {
  ${name} {
    version = 2
    local_addrs = ${remote.address}
    local_port = ${remote.port}
    remote_addrs = ${edge.underlay.address}
    remote_port = ${edge.underlay.port}
    proposals = ${proposals.map(ikeKeywords).join(', ')}
    mobike = no
    unique = replace
    rekey_time = ${2 * ikeLifetimeSeconds}s
    local {
      auth = psk
      id = ${theirs}
    }
    remote {
      auth = psk
      id = ${ours}
    }
    children {
      ${name} {
        local_ts = ${external.remoteAddresses.map(selectorText).join(', ')}
        remote_ts = ${external.localAddresses.map(selectorText).join(', ')}
        esp_proposals = ${espKeywords(tunnel, childKeyExchange)}
        rekey_time = ${2 * childLifetimeSeconds}s
        start_action = none
      }
    }
  }
}
secrets {
  ike-${name} {
    id-edge = ${ours}
    id-gateway = ${theirs}
    secret = "${PLACEHOLDER}"
  }
}
`;
}

/** Section names of swanctl.conf have no white space and no punctuation of the format. */
function connectionName(name: string): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, MAX_NAME);
  return plain === '' ? 'weft' : `weft-${plain}`;
}

function ikeKeywords({ keyBits, prf, keyExchange }: BundleIkeProposal): string {
  return `aes${keyBits}gcm16-${PRF_KEYWORDS[prf]}-${exchangeKeywords(keyExchange)}`;
}

/** ESN is a choice of its own: offering both would leave it to the gateway. */
function espKeywords({ profile }: BundleTunnel, keyExchange: BundleKeyExchange | undefined): string {
  const parts = [`aes${profile.keyBits}gcm16`, ...(keyExchange === undefined ? [] : [exchangeKeywords(keyExchange)])];
  return [...parts, profile.extendedSequenceNumbers ? 'esn' : 'noesn'].join('-');
}

function exchangeKeywords({ method, additionalMethods }: BundleKeyExchange): string {
  return [
    METHOD_KEYWORDS[method],
    ...additionalMethods.map((added, index) => `ke${index + 1}_${METHOD_KEYWORDS[added]}`),
  ].join('-');
}

/** A prefix where the range is one, else its ends. */
function selectorText({ first, last }: BundleAddressRange): string {
  const family: Family = first.length === 4 ? 4 : 6;
  const [low, high] = [numberFromOctets(first), numberFromOctets(last)];
  const size = high - low + 1n;
  const bits = size.toString(2).length - 1;
  if (size === 1n << BigInt(bits) && low % size === 0n) {
    return `${formatAddressText({ family, value: low })}/${8 * octetsFromNumber(low, family).length - bits}`;
  }
  return [low, high].map((value) => formatAddressText({ family, value })).join('-');
}

const PLACEHOLDER = 'PRE-SHARED-KEY';
const MAX_NAME = 40;

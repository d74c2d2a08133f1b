import type { BundleIkeProposal, BundleKeyExchange, BundleTunnel } from '../bundle.js';
import type { FabricIntent } from '../intent.js';
import { METHOD_KEYWORDS, PRF_KEYWORDS } from '../swanctl/keywords.js';
import { type DescribedTunnel, describedTunnel } from './described-tunnel.js';
import { selectorText } from './selector-text.js';
import { commentText, connectionName, PLACEHOLDER, type SnippetResult } from './snippet.js';

/**
 * A file for /etc/swanctl/conf.d of strongSwan, so that the gateway accepts what the bundle of our edge says and asks for nothing
 * else. It follows from the same tunnel as the bundle.
 */
export function swanctlSnippet(intent: FabricIntent, externalPeerId: string): SnippetResult {
  const result = describedTunnel(intent, externalPeerId);
  if (!result.ok) return result;
  const name = connectionName(result.described.peer.name);
  const text = swanctlText(name, result.described);
  return { ok: true, snippet: { format: 'swanctl', fileName: `${name}.conf`, text, secretPlaceholder: PLACEHOLDER } };
}

function swanctlText(name: string, { edge, tunnel, external, ike, peer }: DescribedTunnel): string {
  const { remote } = tunnel;
  const { proposals, childKeyExchange, ikeLifetimeSeconds, childLifetimeSeconds } = ike;
  const [ours, theirs] = [`"${peer.localIdentity}"`, `"${peer.identity}"`];
  // The edge initiates, and asks whether the gateway lives; it rekeys first, and the gateway does should the edge not.
  return `# ${commentText(peer.name)}: the tunnel with the edge at ${edge.underlay.address}.
# Write the pre-shared key for ${PLACEHOLDER} (0s and its Base64 if it begins with 0x or 0s, or has " or \\), then: swanctl --load-all
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

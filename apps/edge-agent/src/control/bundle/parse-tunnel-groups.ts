import type { TunnelGroup as TunnelGroupMessage } from '@weft/contracts/southbound';
import { RejectionError } from '../rejection.js';
import { integerWithin, limited, unique, uuid } from './field.js';
import type { TunnelConfiguration, TunnelGroup } from './verified-bundle.js';

/** Checks the groups of a bundle, whose tunnels are known; they are answered by group id. Throws RejectionError. */
export function parseTunnelGroups(
  messages: readonly TunnelGroupMessage[],
  tunnels: ReadonlyMap<string, TunnelConfiguration>,
): ReadonlyMap<string, TunnelGroup> {
  const ids = new Set(tunnels.keys());
  const members = new Set<string>();
  const groups = limited('tunnel_groups', messages, tunnels.size).map((message, index) =>
    parseGroup(`tunnel_groups[${index}]`, message, tunnels, ids, members),
  );
  return new Map(groups.map((group) => [group.groupId, group]));
}

/** `ids` holds the identifiers that are taken, `members` the tunnels that are in a group. */
function parseGroup(
  path: string,
  message: TunnelGroupMessage,
  tunnels: ReadonlyMap<string, TunnelConfiguration>,
  ids: Set<string>,
  members: Set<string>,
): TunnelGroup {
  const { probeIntervalMilliseconds, missedProbes, holdDownSeconds } = message;
  const groupId = unique(`${path}.group_id`, uuid(`${path}.group_id`, message.groupId), ids);
  if (message.tunnelIds.length < 2) {
    throw new RejectionError(`${path}.tunnel_ids`, 'too_few', 'a group has two tunnels or more');
  }
  const tunnelIds = message.tunnelIds.map((tunnelId, index) => {
    const at = `${path}.tunnel_ids[${index}]`;
    const tunnel = tunnels.get(tunnelId);
    if (tunnel === undefined) throw new RejectionError(at, 'unknown_tunnel', 'it names no tunnel of this bundle');
    if (tunnel.remote === undefined) {
      throw new RejectionError(at, 'unsupported_value', 'a host that comes from anywhere is no edge of a site');
    }
    // Peers are asked by dummy packets, which ESP alone has (RFC 4303 section 2.6).
    if (tunnel.profile.protocol === 'ah') {
      throw new RejectionError(
        at,
        'unsupported_value',
        'tunnels of AH are not watched for a peer that does not answer',
      );
    }
    if (tunnel.profile.mode === 'transport') {
      throw new RejectionError(at, 'unsupported_value', 'in transport mode a peer is reached at its own address alone');
    }
    return unique(at, tunnelId, members);
  });
  return {
    groupId,
    tunnelIds,
    probeInterval: integerWithin(
      `${path}.probe_interval_milliseconds`,
      probeIntervalMilliseconds,
      MIN_PROBE_INTERVAL,
      MAX_PROBE_INTERVAL,
    ),
    missedProbes: integerWithin(`${path}.missed_probes`, missedProbes, MIN_MISSED_PROBES, MAX_MISSED_PROBES),
    holdDown: 1000 * integerWithin(`${path}.hold_down_seconds`, holdDownSeconds, MIN_HOLD_DOWN, MAX_HOLD_DOWN),
  };
}

/** Milliseconds. More often would be traffic of its own; less often would find a failure when users have. */
const MIN_PROBE_INTERVAL = 100;
const MAX_PROBE_INTERVAL = 60_000;
/** A single lost packet is no failure. */
const MIN_MISSED_PROBES = 2;
const MAX_MISSED_PROBES = 100;
/** Seconds. */
const MIN_HOLD_DOWN = 1;
const MAX_HOLD_DOWN = 86_400;

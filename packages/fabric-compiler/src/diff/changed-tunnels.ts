import type { CompiledFabric } from '../fabric/compile-shared.js';
import { peersOf } from '../fabric/shared-bundle.js';
import { compareText } from '../order.js';
import { sameValue } from '../same-value.js';

/** A tunnel that comes, goes or is made anew when one revision follows another. */
export interface TunnelChange {
  readonly change: 'added' | 'removed' | 'changed';
  /** Edges of ours, or an external peer; sorted. */
  readonly ends: readonly [string, string];
  readonly profileId: string;
}

/** Compares the tunnels of two revisions: who has them with whom, where, and with which parameters. In order of their ends. */
export function changedTunnels(before: CompiledFabric | undefined, after: CompiledFabric): readonly TunnelChange[] {
  const [old, now] = [before === undefined ? new Map<string, Tunnel>() : tunnelsOf(before), tunnelsOf(after)];
  const changes: TunnelChange[] = [];
  for (const [key, { ends, profileId, parameters }] of now) {
    const was = old.get(key);
    if (was === undefined) changes.push({ change: 'added', ends, profileId });
    else if (!sameValue(was.parameters, parameters)) changes.push({ change: 'changed', ends, profileId });
  }
  for (const [key, { ends, profileId }] of old) {
    if (!now.has(key)) changes.push({ change: 'removed', ends, profileId });
  }
  return changes.sort((left, right) => compareText(keyOf(left), keyOf(right)));
}

interface Tunnel {
  readonly ends: readonly [string, string];
  readonly profileId: string;
  /** What the two ends agree on; another value means another tunnel under the same name. */
  readonly parameters: unknown;
}

function tunnelsOf({ bundles }: CompiledFabric): Map<string, Tunnel> {
  const tunnels = new Map<string, Tunnel>();
  for (const bundle of bundles) {
    for (const { peerId, remote, identity, authentication, profiles } of peersOf(bundle)) {
      const [one, other] = [
        {
          id: bundle.edgeId,
          remote: bundle.underlay,
          identity: bundle.identity,
          authentication: bundle.authentication,
        },
        { id: peerId, remote, identity, authentication },
      ].sort((left, right) => compareText(left.id, right.id));
      if (one === undefined || other === undefined) continue;
      const ends = [one.id, other.id] as const;
      for (const { id, esp, ike } of profiles) {
        const tunnel = { ends, profileId: id, parameters: [bundle.keyingMode, one, other, esp, ike] };
        tunnels.set(keyOf(tunnel), tunnel);
      }
    }
  }
  return tunnels;
}

function keyOf({ ends, profileId }: Pick<Tunnel, 'ends' | 'profileId'>): string {
  return `${ends.join('/')}/${profileId}`;
}

/** What of a bundle can be lost; the compiler's and the southbound ones have it alike. */
export interface Removable {
  readonly tunnels: readonly { readonly tunnelId: string; readonly peerEdgeId: string }[];
  readonly securityPolicies: readonly { readonly entryId: string; readonly tunnelId?: string }[];
}

/** How much of what one edge runs is gone with the bundle that follows. */
export interface Removal {
  readonly tunnels: Share;
  readonly securityPolicies: Share;
}

/** So many of so many. */
export interface Share {
  readonly removed: number;
  readonly before: number;
}

export function removalBetween(before: Removable, after: Removable): Removal {
  const tunnels = new Set(after.tunnels.map(({ tunnelId }) => tunnelId));
  const entries = new Set(after.securityPolicies.map(({ entryId }) => entryId));
  return {
    tunnels: share(before.tunnels, ({ tunnelId }) => tunnels.has(tunnelId)),
    securityPolicies: share(before.securityPolicies, ({ entryId }) => entries.has(entryId)),
  };
}

export function removesAnything({ tunnels, securityPolicies }: Removal): boolean {
  return tunnels.removed > 0 || securityPolicies.removed > 0;
}

/** Whether an edge refuses it when no operator has agreed. An edge may be told to have another limit; this is the one that it begins with. */
export function isMassRemoval({ tunnels, securityPolicies }: Removal): boolean {
  return [tunnels, securityPolicies].some(
    ({ removed, before }) => removed > ALWAYS_ALLOWED && removed * 100 > before * LIMIT_PERCENT,
  );
}

/** What of it does not lead to these edges. */
export function withoutPeers({ tunnels, securityPolicies }: Removable, edgeIds: ReadonlySet<string>): Removable {
  const led = new Set(tunnels.filter(({ peerEdgeId }) => edgeIds.has(peerEdgeId)).map(({ tunnelId }) => tunnelId));
  return {
    tunnels: tunnels.filter(({ tunnelId }) => !led.has(tunnelId)),
    securityPolicies: securityPolicies.filter(({ tunnelId }) => tunnelId === undefined || !led.has(tunnelId)),
  };
}

function share<T>(before: readonly T[], isKept: (item: T) => boolean): Share {
  return { removed: before.filter((item) => !isKept(item)).length, before: before.length };
}

/** As in the agent. */
const ALWAYS_ALLOWED = 10;
const LIMIT_PERCENT = 50;

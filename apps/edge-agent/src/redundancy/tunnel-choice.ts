import type { TunnelGroup } from '../control/bundle/verified-bundle.js';

/** What of a group decides where its packets go. */
export type RankedTunnels = Pick<TunnelGroup, 'tunnelIds' | 'holdDown'>;

/**
 * Into which tunnel of a group packets go. A pure state: what happens makes another of it. Times are milliseconds of one
 * monotonic clock.
 *
 * Away from a peer that does not answer at once; back to a preferred one only when it has answered without a break for the
 * hold-down, so that a peer that comes and goes moves the traffic no more than once in that time. With nobody answering,
 * nothing is gained by a move: the choice stays, and packets of it meet the SPD as before.
 */
export interface TunnelChoice {
  readonly chosen: string;
  /** By tunnel whose peer answers: since when it has, without a break. */
  readonly aliveSince: ReadonlyMap<string, number>;
}

/** The choice before anything is known, or after the group has become another. What is known of its tunnels holds. */
export function choiceIn(group: RankedTunnels, before: TunnelChoice | undefined, now: number): TunnelChoice {
  const [preferred = ''] = group.tunnelIds;
  const aliveSince = new Map(
    [...(before?.aliveSince ?? [])].filter(([tunnelId]) => group.tunnelIds.includes(tunnelId)),
  );
  const stays = before !== undefined && group.tunnelIds.includes(before.chosen);
  return settled(group, { chosen: stays ? before.chosen : preferred, aliveSince }, now);
}

/** The peer of a tunnel answers, or does not any more. The same again is no news. */
export function afterNews(
  group: RankedTunnels,
  choice: TunnelChoice,
  { tunnelId, alive }: { readonly tunnelId: string; readonly alive: boolean },
  now: number,
): TunnelChoice {
  if (!group.tunnelIds.includes(tunnelId) || choice.aliveSince.has(tunnelId) === alive) return choice;
  const aliveSince = new Map(choice.aliveSince);
  if (alive) aliveSince.set(tunnelId, now);
  else aliveSince.delete(tunnelId);
  return settled(group, { ...choice, aliveSince }, now);
}

/** Time has passed. */
export function settled(group: RankedTunnels, choice: TunnelChoice, now: number): TunnelChoice {
  const { chosen, aliveSince } = choice;
  const better = aliveSince.has(chosen)
    ? morePreferred(group, choice).find((tunnelId) => backAt(group, choice, tunnelId) <= now)
    : group.tunnelIds.find((tunnelId) => aliveSince.has(tunnelId));
  return better === undefined || better === chosen ? choice : { chosen: better, aliveSince };
}

/** When `settled` may answer otherwise although nothing has happened. */
export function dueAt(group: RankedTunnels, choice: TunnelChoice): number {
  return Math.min(...morePreferred(group, choice).map((tunnelId) => backAt(group, choice, tunnelId)));
}

function morePreferred({ tunnelIds }: RankedTunnels, { chosen }: TunnelChoice): readonly string[] {
  return tunnelIds.slice(0, tunnelIds.indexOf(chosen));
}

function backAt({ holdDown }: RankedTunnels, { aliveSince }: TunnelChoice, tunnelId: string): number {
  return (aliveSince.get(tunnelId) ?? Number.POSITIVE_INFINITY) + holdDown;
}

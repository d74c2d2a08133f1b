import type { LivenessNews } from '@weft/ipsec-core';
import type { TunnelGroup } from '../control/bundle/verified-bundle.js';
import { afterNews, choiceIn, dueAt, settled, type TunnelChoice } from './tunnel-choice.js';

/** What the tunnels are chosen with. */
export interface RedundantTunnelsParts {
  readonly clock: () => number;
  /** Runs something once after so many milliseconds. @returns what cancels it. */
  readonly after: (milliseconds: number, run: () => void) => () => void;
  /** Packets of a group are to go another way. */
  readonly moved: (move: TunnelMove) => void;
}

/** Packets of a group go into another tunnel. */
export interface TunnelMove {
  readonly groupId: string;
  readonly from: string;
  readonly to: string;
  /** Whether the peer that they went to still answers: then they go back to one that is preferred. */
  readonly back: boolean;
  /** Milliseconds for which the peer that they go to has answered. */
  readonly aliveFor: number;
}

/** How the tunnels of a group stand. */
export interface RedundantGroup {
  readonly groupId: string;
  /** Preferred first. */
  readonly tunnels: readonly { readonly tunnelId: string; readonly chosen: boolean; readonly alive: boolean }[];
}

/** The groups of the bundle in force, which of their peers answer, and where packets go for that. */
export class RedundantTunnels {
  readonly #parts: RedundantTunnelsParts;
  #groups = new Map<string, { readonly group: TunnelGroup; readonly choice: TunnelChoice }>();
  #cancel: () => void = () => undefined;

  constructor(parts: RedundantTunnelsParts) {
    this.#parts = parts;
  }

  /** By the preferred tunnel of each group: the one that packets go into. */
  choices(): ReadonlyMap<string, string> {
    return new Map([...this.#groups.values()].map(({ group, choice }) => [group.tunnelIds[0] ?? '', choice.chosen]));
  }

  /** What `choices` will be when these groups are in force. */
  choicesIn(groups: readonly TunnelGroup[]): ReadonlyMap<string, string> {
    return new Map(groups.map((group) => [group.tunnelIds[0] ?? '', this.#choiceIn(group).chosen]));
  }

  /** These groups are in force. What is known of their tunnels holds. */
  configure(groups: readonly TunnelGroup[]): void {
    this.#groups = new Map(groups.map((group) => [group.groupId, { group, choice: this.#choiceIn(group) }]));
    this.#wait();
  }

  /** Which peers answer, and which do not any more. */
  take(news: readonly LivenessNews[]): void {
    const now = this.#parts.clock();
    // One after the other: what a move is called depends on who answered then.
    for (const one of news) {
      for (const { group, choice } of [...this.#groups.values()]) {
        this.#become(group, choice, afterNews(group, choice, one, now));
      }
    }
    this.#wait();
  }

  /** All tunnels of the groups. */
  tunnelIds(): readonly string[] {
    return [...this.#groups.values()].flatMap(({ group }) => group.tunnelIds);
  }

  states(): readonly RedundantGroup[] {
    return [...this.#groups.values()].map(({ group: { groupId, tunnelIds }, choice }) => ({
      groupId,
      tunnels: tunnelIds.map((tunnelId) => ({
        tunnelId,
        chosen: tunnelId === choice.chosen,
        alive: choice.aliveSince.has(tunnelId),
      })),
    }));
  }

  stop(): void {
    this.#cancel();
  }

  #choiceIn(group: TunnelGroup): TunnelChoice {
    return choiceIn(group, this.#groups.get(group.groupId)?.choice, this.#parts.clock());
  }

  #become(group: TunnelGroup, before: TunnelChoice, next: TunnelChoice): void {
    if (next === before) return;
    const { groupId } = group;
    this.#groups.set(groupId, { group, choice: next });
    if (next.chosen === before.chosen) return;
    const now = this.#parts.clock();
    const aliveFor = now - (next.aliveSince.get(next.chosen) ?? now);
    const back = next.aliveSince.has(before.chosen);
    this.#parts.moved({ groupId, from: before.chosen, to: next.chosen, back, aliveFor });
  }

  /** Until the first hold-down ends. */
  #wait(): void {
    this.#cancel();
    const due = Math.min(...[...this.#groups.values()].map(({ group, choice }) => dueAt(group, choice)));
    if (due === Number.POSITIVE_INFINITY) return;
    this.#cancel = this.#parts.after(Math.max(0, Math.ceil(due - this.#parts.clock())), () => this.#timePassed());
  }

  #timePassed(): void {
    const now = this.#parts.clock();
    for (const { group, choice } of [...this.#groups.values()])
      this.#become(group, choice, settled(group, choice, now));
    this.#wait();
  }
}

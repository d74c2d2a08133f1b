import type { DesiredPlane, KeptAssociation } from './desired-plane.js';
import type { LoadedPolicies, TunnelRemote, WorkerRequest } from './messages.js';
import { isAt } from './places.js';
import type { SharedCounters } from './shared-counters.js';

/** What is asked of the worker in a place: each has its socket, its counters, and its share of the associations. */
export class PlacedRequests {
  readonly #desired: DesiredPlane;
  readonly #counters: readonly SharedCounters[];

  constructor(desired: DesiredPlane, counters: readonly SharedCounters[]) {
    this.#desired = desired;
    this.#counters = counters;
  }

  /** The policies, with what the worker in this place needs for them. */
  loading(place: number, loaded: LoadedPolicies, choices: ReadonlyMap<string, string>): WorkerRequest {
    const counters = this.#counters[place];
    return {
      kind: 'load',
      loaded,
      socketFd: loaded.socketFds[place] ?? -1,
      otherSocketFds: (loaded.otherSocketFds ?? []).map((socketFds) => socketFds[place] ?? -1),
      choices,
      policyCounters: counters?.policies(loaded.policies.map(({ entryId }) => entryId)) ?? [],
      tunnelCounters: counters?.tunnels(this.#desired.tunnelIds(loaded)) ?? [],
    };
  }

  /** Those of the associations that are the worker's in this place, with their keys; undefined when there is nothing to say. */
  installing(
    place: number,
    associations: readonly KeptAssociation[],
    remotes: readonly TunnelRemote[],
  ): WorkerRequest | undefined {
    const ours = this.#at(place, associations);
    if (ours.length === 0 && remotes.length === 0) return undefined;
    const tunnelIds = [...new Set(ours.map(({ parameters }) => parameters.tunnelId))];
    return {
      kind: 'install',
      associations: ours.map((association) => association.withKey(place)),
      tunnelCounters: this.#counters[place]?.tunnels(tunnelIds) ?? [],
      remotes,
    };
  }

  /** Takes back what `installing` has asked for. */
  removing(place: number, associations: readonly KeptAssociation[]): WorkerRequest {
    const named = this.#at(place, associations).map(({ parameters }) => parameters);
    return {
      kind: 'remove',
      inbound: named.filter(({ direction }) => direction === 'inbound').map(({ spi }) => spi),
      outbound: named.filter(({ direction }) => direction === 'outbound'),
    };
  }

  /** Those that the worker in this place has. */
  #at(place: number, associations: readonly KeptAssociation[]): readonly KeptAssociation[] {
    return associations.filter(({ parameters }) => isAt(place, parameters, this.#counters.length));
  }
}

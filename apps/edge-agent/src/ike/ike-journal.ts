import { formatAddress } from '@weft/ipsec-core';
import { describeFailure, type IkeEvent } from '@weft/ipsec-core/ike';
import type { Log } from '../platform/log.js';
import type { NegotiationState } from './negotiation-state.js';
import type { TunnelStart } from './tunnel-start.js';

/** What is told of the IKE of an edge: what an operator acts upon, once each; every event for who looks for it. */
export class IkeJournal {
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** @param start when the tunnel starts that the event is of; undefined: it is of none */
  event(event: IkeEvent, start: TunnelStart | undefined): void {
    const { history: _kept, ...told } = 'history' in event ? event : { ...event, history: undefined };
    this.#log.debug({ event: told }, 'IKE');
    if (event.kind === 'stranger-refused') this.#stranger(event);
    if (event.kind === 'path-changed') this.#path(event);
    // Of a host that is awaited it is no failure; whoever has the wrong key asks why, all the same.
    if (event.kind === 'ike-attempt-failed' && start?.kind === 'awaited') this.#awaited(event);
  }

  /** How a tunnel stands now, and stood before. */
  change(tunnelId: string, before: NegotiationState, now: NegotiationState): void {
    const { established, failure, failures, keyExchangeMethods, ppk } = now;
    if (established && !before.established) this.#log.info({ tunnelId, keyExchangeMethods, ppk }, 'IKE SA established');
    // A peer that is away is said once, not every minute.
    if (failure !== undefined && failure !== before.failure)
      this.#log.warn({ tunnelId, failures, reason: failure }, 'IKE negotiation failed');
  }

  #stranger({ remote, reason }: Event<'stranger-refused'>): void {
    this.#log.info(
      { source: formatAddress(remote.address), reason: describeFailure(reason) },
      'somebody who is no peer of this edge was refused',
    );
  }

  #path({ connection: tunnelId, local, remote, cause }: Event<'path-changed'>): void {
    const path = { local: formatAddress(local.address), remote: formatAddress(remote.address) };
    this.#log.info({ tunnelId, ...path, cause }, 'the tunnel goes by another path');
  }

  #awaited({ connection: tunnelId, reason }: Event<'ike-attempt-failed'>): void {
    this.#log.warn({ tunnelId, reason: describeFailure(reason) }, 'somebody who says to be this host was refused');
  }
}

type Event<Kind extends IkeEvent['kind']> = Extract<IkeEvent, { readonly kind: Kind }>;

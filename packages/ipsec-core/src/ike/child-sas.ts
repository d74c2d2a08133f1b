import type { Secret } from '../bytes/secret.js';
import type { ChildSa } from './child-sa.js';
import type { IkeHost } from './host.js';
import { type Path, samePath } from './path.js';
import { CHILD_LINGER } from './timers.js';

/** The Child SAs of one lineage: what is installed in the SAD, and until when. */
export class ChildSas {
  readonly #host: IkeHost;
  readonly #hooks: ChildSasHooks;
  #all: readonly ChildSa[] = [];

  constructor(host: IkeHost, hooks: ChildSasHooks) {
    this.#host = host;
    this.#hooks = hooks;
  }

  get all(): readonly ChildSa[] {
    return this.#all;
  }

  /** Those that stand for a policy: neither on their way out nor out. */
  standing(policy: string): readonly ChildSa[] {
    return this.#all.filter(
      (child) => child.policy === policy && (child.phase === 'live' || child.phase === 'replaced'),
    );
  }

  byInboundSpi(spi: number): ChildSa | undefined {
    return this.#all.find((child) => child.association.inboundSpi === spi && child.phase !== 'lingering');
  }

  /** How the peer names one: by the SPI it expects in inbound packets, which is our outbound one (section 1.3.3). */
  byOutboundSpi(spi: number): ChildSa | undefined {
    return this.#all.find((child) => child.association.outboundSpi === spi && child.phase !== 'lingering');
  }

  install(child: ChildSa, keys: { readonly inbound: Secret; readonly outbound: Secret }): void {
    this.#all = [...this.#all, child];
    this.#host.emit({
      kind: 'install-child',
      association: child.association,
      inboundKey: keys.inbound,
      outboundKey: keys.outbound,
      useOutbound: child.outboundInUse,
    });
    this.reschedule();
  }

  /** Packets of all of them travel by another path from now on, in UDP or not. */
  move({ local, remote }: Path, encapsulate: boolean): void {
    for (const child of this.#all) {
      const { association, phase } = child;
      if (phase !== 'live' && phase !== 'replaced') continue;
      const { localEndpoint, remoteEndpoint } = association;
      const same = samePath({ local: localEndpoint, remote: remoteEndpoint }, { local, remote });
      if (same && association.encapsulate === encapsulate) continue;
      child.association = { ...association, localEndpoint: local, remoteEndpoint: remote, encapsulate };
      this.#host.emit({ kind: 'move-child', association: child.association });
    }
  }

  /** The peer has its end of it: traffic may go out through it. */
  useOutbound(child: ChildSa): void {
    if (child.outboundInUse) return;
    child.outboundInUse = true;
    const { inboundSpi, outboundSpi } = child.association;
    this.#host.emit({ kind: 'use-outbound', inboundSpi, outboundSpi });
  }

  /** Nothing goes out through it any more; what is on its way in is still accepted. */
  retire(child: ChildSa, phase: 'deleting' | 'lingering', now: number): void {
    if (child.phase === 'gone') return;
    if (child.phase === 'live' || child.phase === 'replaced') {
      this.#leave(child);
      const { inboundSpi, outboundSpi } = child.association;
      this.#host.emit({ kind: 'retire-child', inboundSpi, outboundSpi });
    }
    child.phase = phase;
    child.dueAt = phase === 'lingering' ? now + CHILD_LINGER : Number.POSITIVE_INFINITY;
    this.reschedule();
  }

  /** It is deleted at both ends: what another took over lingers for packets on their way, the rest is removed. */
  release(child: ChildSa, now: number): void {
    if (child.phase === 'live' || child.phase === 'replaced') this.#leave(child);
    if (child.handedOver) this.retire(child, 'lingering', now);
    else this.remove(child);
  }

  remove(child: ChildSa): void {
    if (child.phase === 'gone') return;
    if (child.phase === 'live' || child.phase === 'replaced') this.#leave(child);
    child.phase = 'gone';
    this.#all = this.#all.filter((other) => other !== child);
    const { inboundSpi, outboundSpi } = child.association;
    this.#host.emit({ kind: 'remove-child', inboundSpi, outboundSpi });
    this.#host.childSpis.release(inboundSpi);
    this.reschedule();
  }

  reschedule(): void {
    let next: number | undefined;
    for (const { dueAt } of this.#all) if (dueAt < (next ?? Number.POSITIVE_INFINITY)) next = dueAt;
    this.#hooks.schedule(next);
  }

  /** Its traffic is taken over first, so that there is no moment without an outbound SA. */
  #leave(child: ChildSa): void {
    child.handedOver ||= this.#hooks.takeOver(child);
  }
}

export interface ChildSasHooks {
  /** Told when the next phase of any of them ends. */
  schedule(dueAt: number | undefined): void;
  /** Another Child SA of the same policy goes on, and is put to use if this one was; false when there is none. */
  takeOver(child: ChildSa): boolean;
}

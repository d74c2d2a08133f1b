import type { ChildAssociation, IkeOutput } from '../ike/outputs.js';

/** What a host would do with the outputs about Child SAs; keys as text, so that two ends can be compared. */
export class SimulatedSad {
  readonly installed = new Map<number, InstalledAssociation>();
  /** Offered: what comes on them before they are installed waits. */
  readonly expected = new Set<number>();
  #sequence = 0;

  apply(output: IkeOutput): void {
    if (output.kind === 'expect-child') this.expected.add(output.inboundSpi);
    if (output.kind === 'install-child') {
      const { association, inboundKey, outboundKey, useOutbound } = output;
      this.installed.set(association.inboundSpi, {
        association,
        inboundKey: inboundKey.reveal((key) => key.join()),
        outboundKey: outboundKey.reveal((key) => key.join()),
        usedSince: useOutbound ? this.#sequence++ : undefined,
        retired: false,
      });
    }
    if (output.kind === 'use-outbound') {
      const entry = this.#entry(output.inboundSpi);
      if (entry.usedSince !== undefined) throw new Error('An outbound SA is put to use twice.');
      entry.usedSince = this.#sequence++;
    }
    if (output.kind === 'move-child') this.#entry(output.association.inboundSpi).association = output.association;
    if (output.kind === 'retire-child') this.#entry(output.inboundSpi).retired = true;
    if (output.kind === 'remove-child') {
      this.#entry(output.inboundSpi);
      this.installed.delete(output.inboundSpi);
    }
  }

  /** What stands at this end; what only lingers for packets on their way is left out. */
  standing(): readonly InstalledAssociation[] {
    return [...this.installed.values()].filter((entry) => !entry.retired);
  }

  /** The association that carries traffic of a child out: the latest one put to use that is not retired. */
  current(child?: string): InstalledAssociation | undefined {
    let best: InstalledAssociation | undefined;
    for (const entry of this.standing()) {
      if (entry.usedSince === undefined || (child !== undefined && entry.association.child !== child)) continue;
      if (entry.usedSince > (best?.usedSince ?? -1)) best = entry;
    }
    return best;
  }

  #entry(inboundSpi: number): InstalledAssociation {
    const entry = this.installed.get(inboundSpi);
    if (entry === undefined) throw new Error(`No association with the inbound SPI ${inboundSpi} is installed.`);
    return entry;
  }
}

export interface InstalledAssociation {
  association: ChildAssociation;
  readonly inboundKey: string;
  readonly outboundKey: string;
  usedSince: number | undefined;
  retired: boolean;
}

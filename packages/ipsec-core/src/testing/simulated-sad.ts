import type { ChildAssociation, IkeOutput } from '../ike/outputs.js';

/** What a host would do with the install, use and remove outputs; keys as text, so that two ends can be compared. */
export class SimulatedSad {
  readonly installed = new Map<number, InstalledAssociation>();
  #sequence = 0;

  apply(output: IkeOutput): void {
    if (output.kind === 'install-child') {
      const { association, inboundKey, outboundKey, useOutbound } = output;
      this.installed.set(association.inboundSpi, {
        association,
        inboundKey: inboundKey.reveal((key) => key.join()),
        outboundKey: outboundKey.reveal((key) => key.join()),
        usedSince: useOutbound ? this.#sequence++ : undefined,
      });
    }
    if (output.kind === 'use-outbound') {
      const entry = this.installed.get(output.inboundSpi);
      if (entry !== undefined) entry.usedSince = this.#sequence++;
    }
    if (output.kind === 'remove-child') this.installed.delete(output.inboundSpi);
  }

  /** The association that carries traffic: the latest one to be put to use, else the latest installed. */
  current(): InstalledAssociation | undefined {
    let best: InstalledAssociation | undefined;
    for (const entry of this.installed.values()) {
      if (best === undefined || (entry.usedSince ?? -1) >= (best.usedSince ?? -1)) best = entry;
    }
    return best;
  }
}

export interface InstalledAssociation {
  readonly association: ChildAssociation;
  readonly inboundKey: string;
  readonly outboundKey: string;
  usedSince: number | undefined;
}

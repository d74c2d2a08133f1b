import { readUint32 } from '../bytes/octets.js';
import { EspRun } from '../crypto/esp/esp-run.js';
import type { EspTransform } from '../crypto/esp-transform.js';
import { RUN_PACKETS } from '../crypto/provider.js';
import type { DropReason } from '../policy/drop-reason.js';
import type { InboundAssociation } from '../policy/security-association.js';
import { ESP } from '../wire/esp.js';
import type { InboundContext } from './inbound.js';
import type { LayerOpener } from './layer-opener.js';
import type { InboundRunResult } from './verdict.js';

/** Decrypts ESP packets of one association that arrived together in one step. Reused, and its own result. */
export class RunOpener implements InboundRunResult {
  packets = 0;
  delivered = 0;
  readonly offsets = new Int32Array(RUN_PACKETS);
  readonly lengths = new Int32Array(RUN_PACKETS);
  readonly #context: InboundContext;
  readonly #layer: LayerOpener;
  readonly #run = new EspRun();

  constructor(context: InboundContext, layer: LayerOpener) {
    this.#context = context;
    this.#layer = layer;
  }

  /** The association of the first packet, if it takes runs. */
  associationOf(packets: Uint8Array, offset: number, length: number, out: Uint8Array): InboundAssociation | undefined {
    if (length < ESP.headerLength || offset + length > packets.length || packets === out) return undefined;
    const association = this.#context.associations.inbound(readUint32(packets, offset + ESP.spi));
    if (association?.mode !== 'tunnel' || association.bundledWith !== undefined) return undefined;
    return association;
  }

  /** Packets that were decrypted; the others have been counted as discarded. */
  get admitted(): number {
    return this.#run.count;
  }

  /** Decrypts those of the packets that may be. `refusalOf` then says of each whether it is authentic. */
  decrypt(
    association: InboundAssociation,
    packets: Uint8Array,
    offset: number,
    size: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
  ): void {
    const run = this.#run;
    const { associations, drops } = this.#context;
    const { esp, spi, tunnelId } = association;
    run.count = 0;
    if (esp === undefined) return;
    let to = outOffset;
    for (let at = 0; at < length && this.packets < RUN_PACKETS; at += size) {
      const octets = Math.min(size, length - at);
      if (octets < ESP.headerLength || readUint32(packets, offset + at + ESP.spi) !== spi) break;
      this.packets++;
      const refusal = this.#layer.admitEsp(association, esp, packets, offset + at, octets, out.length - to, now);
      if (refusal === undefined) {
        this.#add(offset + at, octets, to);
        to += Math.ceil(octets / RUN_ALIGNMENT) * RUN_ALIGNMENT;
      } else drops.count(refusal, 1, associations.tunnel(tunnelId).counters);
    }
    if (run.count > 0) esp.openRun(packets, run, out);
  }

  outOffset(index: number): number {
    return this.#run.outOffsets[index] ?? 0;
  }

  /** Why decrypted packet `index` does not leave its association, if it does not. */
  refusalOf(
    association: InboundAssociation,
    index: number,
    packets: Uint8Array,
    out: Uint8Array,
    now: number,
    outerTrafficClass: number,
  ): DropReason | undefined {
    const run = this.#run;
    const authentic = run.authentic[index] === 1;
    const low = readUint32(packets, (run.offsets[index] ?? 0) + ESP.sequence);
    const sealed = sealedLength(association.esp, run.lengths[index] ?? 0);
    const high = run.sequenceHigh[index] ?? 0;
    return this.#layer.leaveRun(
      association,
      authentic,
      high,
      low,
      out,
      this.outOffset(index),
      sealed,
      now,
      outerTrafficClass,
    );
  }

  deliver(offset: number, length: number): void {
    this.offsets[this.delivered] = offset;
    this.lengths[this.delivered] = length;
    this.delivered++;
  }

  #add(offset: number, length: number, outOffset: number): void {
    const run = this.#run;
    const index = run.count++;
    run.offsets[index] = offset;
    run.lengths[index] = length;
    run.sequenceHigh[index] = this.#layer.sequenceHigh;
    run.outOffsets[index] = outOffset;
  }
}

/** Delivered packets begin at a multiple of so many octets from where the first may begin. */
export const RUN_ALIGNMENT = 16;

function sealedLength(esp: EspTransform | undefined, length: number): number {
  return esp === undefined ? 0 : length - ESP.headerLength - esp.ivLength - esp.icvLength;
}

import type { EspTransform } from '../esp-transform.js';
import { RUN_PACKETS } from '../provider.js';

/** ESP packets of one association that are sealed or opened in one step. Reused. */
export class EspRun {
  /** Packets, at most RUN_PACKETS. */
  count = 0;
  readonly offsets = new Int32Array(RUN_PACKETS);
  /** Octets from SPI to ICV. */
  readonly lengths = new Int32Array(RUN_PACKETS);
  readonly sequenceHigh = new Uint32Array(RUN_PACKETS);
  /** Where payload and trailer go. */
  readonly outOffsets = new Int32Array(RUN_PACKETS);
  /** After opening: 1 for each packet that is authentic. */
  readonly authentic = new Uint8Array(RUN_PACKETS);
}

/** One after the other, for a transform that has no quicker way. */
export function sealEach(transform: EspTransform, packets: Uint8Array, run: EspRun): void {
  for (let i = 0; i < run.count; i++) {
    transform.seal(packets, run.offsets[i] ?? 0, run.lengths[i] ?? 0, run.sequenceHigh[i] ?? 0);
  }
}

/** One after the other, for a transform that has no quicker way. */
export function openEach(transform: EspTransform, packets: Uint8Array, run: EspRun, out: Uint8Array): void {
  for (let i = 0; i < run.count; i++) {
    const high = run.sequenceHigh[i] ?? 0;
    const authentic = transform.open(
      packets,
      run.offsets[i] ?? 0,
      run.lengths[i] ?? 0,
      high,
      out,
      run.outOffsets[i] ?? 0,
    );
    run.authentic[i] = authentic ? 1 : 0;
  }
}

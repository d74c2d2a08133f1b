/** What the capture has counted so far on all links of the router, each packet once (as the router receives it). */
export interface CaptureCounts {
  readonly packets: number;
  /** ESP in UDP (RFC 3948) and ESP directly on IP. A segmentation-offload packet counts once. */
  readonly espPackets: number;
  /** Packets carrying an inner address or the plaintext marker outside encryption. */
  readonly cleartextPackets: number;
  /** Why, for the packets above: how many per reason. */
  readonly cleartextReasons: Readonly<Record<string, number>>;
  /** Packets the kernel could not hand over: above 0 the other figures are not a proof. */
  readonly droppedByKernel: number;
}

/** The counts of what came after `baseline`. */
export function countsSince(baseline: CaptureCounts, now: CaptureCounts): CaptureCounts {
  const reasons = Object.entries(now.cleartextReasons)
    .map(([reason, count]) => [reason, count - (baseline.cleartextReasons[reason] ?? 0)] as const)
    .filter(([, count]) => count > 0);
  return {
    packets: now.packets - baseline.packets,
    espPackets: now.espPackets - baseline.espPackets,
    cleartextPackets: now.cleartextPackets - baseline.cleartextPackets,
    cleartextReasons: Object.fromEntries(reasons),
    droppedByKernel: now.droppedByKernel - baseline.droppedByKernel,
  };
}

import type { DataPlane } from '@weft/ipsec-core';

/** What would happen to a clear packet, for a person to read. */
// #region explain
export function explainPacket(plane: DataPlane, packet: Uint8Array, now: number): readonly string[] {
  const { verdict, reason, entry, tunnelId, association, overhead } = plane.explain(packet, 0, packet.length, now);
  const lines = [reason === undefined ? verdict : `${verdict}: ${reason}`];
  if (entry !== undefined) lines.push(`decided by entry ${entry.entryId} of rule ${entry.ruleId}`);
  if (association !== undefined) {
    const { protocol, mode, suite, spi, nextSequence } = association;
    lines.push(`${protocol} ${mode} ${suite} of ${tunnelId}, SPI 0x${spi.toString(16)}, number ${nextSequence}`);
  }
  if (overhead !== undefined) {
    const { total, ...parts } = overhead;
    const sum = Object.entries(parts).flatMap(([name, octets]) => (octets === 0 ? [] : [`${octets} ${name}`]));
    lines.push(`${sum.join(' + ')} = ${total} octets`);
  }
  return lines;
}
// #endregion

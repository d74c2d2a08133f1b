/** ECN field values (RFC 3168 section 5). */
export const ECN = { notEct: 0, ect1: 1, ect0: 2, ce: 3 } as const;

/**
 * RFC 6040 section 4.2, the whole table: the inner ECN field to forward, given the inner and outer ones that arrived;
 * -1: the packet must be dropped, because a router marked congestion on it which its sender would never learn of.
 */
export function decapsulateEcn(inner: number, outer: number): number {
  return DECAPSULATION[((inner & 3) << 2) | (outer & 3)] ?? inner;
}

/** How bad a combination is that no tunnel ingress of any specification makes: `(!!!)` and `(!)` of RFC 6040 figure 4. */
export type EcnAnomaly = 'dangerous' | 'possibly_dangerous';

/**
 * RFC 6040 section 4.2: for combinations that are currently unused "the decapsulator SHOULD log the event and MAY also
 * raise an alarm". Undefined for all others.
 */
export function ecnAnomaly(inner: number, outer: number): EcnAnomaly | undefined {
  return ANOMALIES[((inner & 3) << 2) | (outer & 3)];
}

/** Rows: arriving inner 00, 01, 10, 11. Columns: arriving outer 00, 01, 10, 11. */
const DECAPSULATION: Int8Array = Int8Array.of(
  ...[ECN.notEct, ECN.notEct, ECN.notEct, -1],
  ...[ECN.ect1, ECN.ect1, ECN.ect1, ECN.ce],
  ...[ECN.ect0, ECN.ect1, ECN.ect0, ECN.ce],
  ...[ECN.ce, ECN.ce, ECN.ce, ECN.ce],
);

/** The same rows and columns. */
const ANOMALIES: readonly (EcnAnomaly | undefined)[] = [
  ...([undefined, 'dangerous', 'dangerous', 'dangerous'] as const),
  ...([undefined, undefined, 'possibly_dangerous', undefined] as const),
  ...[undefined, undefined, undefined, undefined],
  ...([undefined, 'dangerous', undefined, undefined] as const),
];

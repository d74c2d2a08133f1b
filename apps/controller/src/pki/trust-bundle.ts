/** Whom edges are to believe, as it is signed with the bundle-signing key. */
export interface TrustBundleContent {
  /** Larger than that of every trust bundle before. */
  readonly version: number;
  /** Root certificates, DER; the first one issues. */
  readonly anchors: readonly Uint8Array[];
}

/**
 * The octets that are signed: the ASCII string "weft trust bundle v1", a zero octet, the version in eight octets, and each
 * certificate after its length in four; numbers are big-endian.
 */
export function trustBundleOctets({ version, anchors }: TrustBundleContent): Buffer {
  const head = Buffer.alloc(8);
  head.writeBigUInt64BE(BigInt(version));
  return Buffer.concat([
    Buffer.from('weft trust bundle v1\0', 'ascii'),
    head,
    ...anchors.flatMap((anchor) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(anchor.length);
      return [length, anchor];
    }),
  ]);
}

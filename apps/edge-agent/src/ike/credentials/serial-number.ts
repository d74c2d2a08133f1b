/**
 * A serial number as its value, lower-case hex: one whose first bit is set has an octet of zero before it in DER (X.690 section
 * 8.3), and not everybody who names it writes that, too.
 */
export function serialValue(hex: string): string {
  return hex.toLowerCase().replace(/^(?:00)+(?=[0-9a-f]{2})/, '');
}

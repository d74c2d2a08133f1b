/** A Security Parameters Index as RFC 4301 tools print it: eight hexadecimal digits, `0x0001a2b3`. */
export function formatSpi(spi: number): string {
  return `0x${(spi >>> 0).toString(16).padStart(8, '0')}`;
}

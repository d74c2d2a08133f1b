/**
 * Reads a classic pcap stream (as `tcpdump -w -` writes it) piece by piece. Both byte orders and both time resolutions.
 * https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html
 */
export class PcapStream {
  #buffer: Buffer = Buffer.alloc(INITIAL_CAPACITY);
  #start = 0;
  #end = 0;
  #header: { readonly littleEndian: boolean; readonly linkType: number } | undefined;

  /** Takes the next octets and calls back for each packet completed by them; the view is valid during the call only. */
  push(chunk: Uint8Array, onPacket: (packet: Buffer, linkType: number) => void): void {
    this.#append(chunk);
    if (this.#header === undefined && !this.#readHeader()) return;
    for (let packet = this.#nextPacket(); packet !== undefined; packet = this.#nextPacket()) {
      onPacket(packet, this.#header?.linkType ?? 0);
    }
  }

  #append(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#buffer.length) {
      const pending = this.#end - this.#start;
      const target =
        pending + chunk.length > this.#buffer.length ? Buffer.alloc(2 * (pending + chunk.length)) : this.#buffer;
      this.#buffer.copy(target, 0, this.#start, this.#end);
      this.#buffer = target;
      this.#start = 0;
      this.#end = pending;
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  #readHeader(): boolean {
    if (this.#end - this.#start < FILE_HEADER_LENGTH) return false;
    const magic = this.#buffer.readUInt32LE(this.#start);
    const littleEndian = magic === MAGIC_MICROSECONDS || magic === MAGIC_NANOSECONDS;
    const swapped = this.#buffer.readUInt32BE(this.#start);
    if (!littleEndian && swapped !== MAGIC_MICROSECONDS && swapped !== MAGIC_NANOSECONDS) {
      throw new Error(`Not a pcap stream: it begins with ${magic.toString(16)}.`);
    }
    const linkType = this.#readUint32(this.#start + 20, littleEndian) & 0xffff;
    this.#header = { littleEndian, linkType };
    this.#start += FILE_HEADER_LENGTH;
    return true;
  }

  #nextPacket(): Buffer | undefined {
    const available = this.#end - this.#start;
    if (this.#header === undefined || available < RECORD_HEADER_LENGTH) return undefined;
    const captured = this.#readUint32(this.#start + 8, this.#header.littleEndian);
    if (captured > MAXIMUM_PACKET) throw new Error(`The pcap stream announces a packet of ${captured} octets.`);
    if (available < RECORD_HEADER_LENGTH + captured) return undefined;
    const from = this.#start + RECORD_HEADER_LENGTH;
    this.#start = from + captured;
    return this.#buffer.subarray(from, this.#start);
  }

  #readUint32(offset: number, littleEndian: boolean): number {
    return littleEndian ? this.#buffer.readUInt32LE(offset) : this.#buffer.readUInt32BE(offset);
  }
}

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const FILE_HEADER_LENGTH = 24;
const RECORD_HEADER_LENGTH = 16;
/** tcpdump's own largest snapshot length (`-s 0`). */
const MAXIMUM_PACKET = 262_144;
const INITIAL_CAPACITY = 2 * (MAXIMUM_PACKET + RECORD_HEADER_LENGTH);

import { LINUX } from '../ffi/constants.js';
import { VIRTIO_NET_HDR } from '../ffi/layouts.js';

/**
 * `struct virtio_net_hdr` (linux/virtio_net.h), which a device with IFF_VNET_HDR puts in front of each packet: what is
 * still to be done to the packet. Reused: `read` overwrites it.
 */
export class VirtioHeader {
  flags = 0;
  gsoType = 0;
  headerLength = 0;
  gsoSize = 0;
  checksumStart = 0;
  checksumOffset = 0;

  /** A packet that is complete. */
  clear(): void {
    this.flags = 0;
    this.gsoType = LINUX.VIRTIO_NET_HDR_GSO_NONE;
    this.headerLength = 0;
    this.gsoSize = 0;
    this.checksumStart = 0;
    this.checksumOffset = 0;
  }

  read(bytes: Uint8Array, offset: number): void {
    this.flags = bytes[offset + VIRTIO_NET_HDR.flags] ?? 0;
    this.gsoType = bytes[offset + VIRTIO_NET_HDR.gso_type] ?? 0;
    this.headerLength = readLittle(bytes, offset + VIRTIO_NET_HDR.hdr_len);
    this.gsoSize = readLittle(bytes, offset + VIRTIO_NET_HDR.gso_size);
    this.checksumStart = readLittle(bytes, offset + VIRTIO_NET_HDR.csum_start);
    this.checksumOffset = readLittle(bytes, offset + VIRTIO_NET_HDR.csum_offset);
  }

  write(bytes: Uint8Array, offset: number): void {
    bytes[offset + VIRTIO_NET_HDR.flags] = this.flags;
    bytes[offset + VIRTIO_NET_HDR.gso_type] = this.gsoType;
    writeLittle(bytes, offset + VIRTIO_NET_HDR.hdr_len, this.headerLength);
    writeLittle(bytes, offset + VIRTIO_NET_HDR.gso_size, this.gsoSize);
    writeLittle(bytes, offset + VIRTIO_NET_HDR.csum_start, this.checksumStart);
    writeLittle(bytes, offset + VIRTIO_NET_HDR.csum_offset, this.checksumOffset);
  }

  /** Whether the field at checksumStart + checksumOffset holds the pseudo-header's sum and wants the rest. */
  get needsChecksum(): boolean {
    return (this.flags & LINUX.VIRTIO_NET_HDR_F_NEEDS_CSUM) !== 0;
  }
}

function readLittle(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] ?? 0) | ((bytes[offset + 1] ?? 0) << 8);
}

function writeLittle(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
}

export const { VIRTIO_NET_HDR_F_NEEDS_CSUM, VIRTIO_NET_HDR_GSO_TCPV4 } = LINUX;

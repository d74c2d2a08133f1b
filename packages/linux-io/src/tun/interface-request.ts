import { LINUX } from '../ffi/constants.js';
import { IFREQ } from '../ffi/layouts.js';

/**
 * `struct ifreq` as TUNSETIFF reads it (linux/if.h):
 *
 *     0                16        18                40
 *     +----------------+---------+-----------------+
 *     | ifr_name       | flags   | (rest of union) |
 *     +----------------+---------+-----------------+
 */
export const INTERFACE_REQUEST_OCTETS = IFREQ.size;

/** `IFF_TUN`: a tunnel of IP packets, not of Ethernet frames; `IFF_NO_PI`: no four octets in front of each packet. */
export const { IFF_TUN, IFF_NO_PI } = LINUX;

/** A device name that the kernel would refuse or change. */
export class InterfaceNameError extends Error {
  override readonly name = 'InterfaceNameError';
  readonly code = 'interface_name';

  constructor(given: string) {
    super(
      `${JSON.stringify(given)} is not a network device name: use 1 to 15 letters, digits, '-', '_' or '.', not '.' or '..'`,
    );
  }
}

/** Writes name and flags into `out`, which holds zeros elsewhere. Throws InterfaceNameError. */
export function encodeInterfaceRequest(out: Uint8Array, name: string, flags: number): void {
  if (!isInterfaceName(name)) throw new InterfaceNameError(name);
  out.fill(0, 0, INTERFACE_REQUEST_OCTETS);
  for (let index = 0; index < name.length; index++) out[index] = name.charCodeAt(index);
  out[IFR_FLAGS] = flags & 0xff;
  out[IFR_FLAGS + 1] = flags >>> 8;
}

/** Name that the kernel wrote back. */
export function decodeInterfaceName(request: Uint8Array): string {
  const end = request.indexOf(0);
  return String.fromCharCode(...request.subarray(0, end < 0 || end > IFR_FLAGS ? IFR_FLAGS : end));
}

/**
 * True for names that are safe both for the kernel and as an argument of a tool: no '%' (the kernel would number it),
 * no '/' or space, no leading '-'.
 */
export function isInterfaceName(name: string): boolean {
  return /^[A-Za-z0-9_.][A-Za-z0-9_.-]{0,14}$/.test(name) && name !== '.' && name !== '..';
}

const IFR_FLAGS = IFREQ.ifr_flags;

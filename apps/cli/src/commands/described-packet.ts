import { isIP } from 'node:net';
import { CliError } from '../platform/cli-error.js';

/** A packet as the controller is asked about it. */
export interface DescribedPacket {
  readonly source: string;
  readonly destination: string;
  readonly protocol: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

/** A packet that cannot be asked about. */
export class PacketDescriptionError extends CliError<'packet_malformed'> {
  override readonly name = 'PacketDescriptionError';
}

/**
 * Reads `10.1.0.7 10.2.0.9 tcp 443`, in the words of `weft-edge explain`: a `:port` behind the source where that matters,
 * as `[2001:db8::1]:5000` for IPv6. Pure. Throws PacketDescriptionError.
 */
export function describedPacket(words: readonly string[]): DescribedPacket {
  const [from, to, protocol = 'icmp', port, ...more] = words;
  if (from === undefined || to === undefined) throw malformed('it needs a source and a destination');
  if (more.length > 0) throw malformed(`${more[0]} is one word too many`);
  const source = endOf(from);
  const destination = endOf(to);
  if (destination.port !== undefined) throw malformed('the port of the destination stands behind the protocol');
  if (isIP(source.address) !== isIP(destination.address)) throw malformed('source and destination are of two families');
  return {
    source: source.address,
    destination: destination.address,
    protocol: protocol === 'icmp' && isIP(source.address) === 6 ? 'icmpv6' : protocol,
    ...(source.port === undefined ? {} : { sourcePort: source.port }),
    ...(port === undefined ? {} : { destinationPort: portOf(port) }),
  };
}

function endOf(text: string): { readonly address: string; readonly port: number | undefined } {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)):([0-9]{1,5})$/i.exec(text) ?? [];
  const address = bracketed ?? plain ?? text;
  if (isIP(address) === 0) throw malformed(`${JSON.stringify(text)} is no address`);
  return { address, port: digits === undefined ? undefined : portOf(digits) };
}

function portOf(text: string): number {
  const value = /^[0-9]{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (value <= 0xffff) return value;
  throw malformed(`${JSON.stringify(text)} is no port`);
}

function malformed(why: string): PacketDescriptionError {
  return new PacketDescriptionError(
    'packet_malformed',
    `the packet cannot be asked about: ${why}`,
    'write for example: weft explain 10.1.0.7 10.2.0.9 tcp 443',
  );
}

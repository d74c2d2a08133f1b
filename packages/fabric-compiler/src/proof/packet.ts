import type { Family } from '../address/family.js';
import { formatAddressText } from '../address/text.js';
import type { ResolvedService } from '../services.js';

/** A packet between two owners of overlay addresses: the counterexample of a finding, or what an explanation is asked for. */
export interface Packet {
  readonly family: Family;
  readonly source: bigint;
  readonly destination: bigint;
  /** IANA protocol number. */
  readonly protocol: number;
  /** 0 for protocols without ports. */
  readonly sourcePort: number;
  readonly destinationPort: number;
}

export function answerTo(packet: Packet): Packet {
  const { source, destination, sourcePort, destinationPort } = packet;
  return {
    ...packet,
    source: destination,
    destination: source,
    sourcePort: destinationPort,
    destinationPort: sourcePort,
  };
}

/** "tcp 10.0.0.1:1024 → 10.1.0.9:443" */
export function formatPacket({ family, source, destination, protocol, sourcePort, destinationPort }: Packet): string {
  const name = NAMES[protocol] ?? `protocol ${protocol}`;
  const end = (value: bigint, port: number) => {
    const text = formatAddressText({ family, value });
    if (!hasPorts(protocol)) return text;
    return family === 6 ? `[${text}]:${port}` : `${text}:${port}`;
  };
  return `${name} ${end(source, sourcePort)} → ${end(destination, destinationPort)}`;
}

export function hasPorts(protocol: number): boolean {
  return protocol === TCP || protocol === UDP;
}

/** Whether one of the services covers the protocol and the port of the destination of the flow. */
export function serves(services: readonly ResolvedService[], protocol: number, port: number): boolean {
  return services.some(
    (service) =>
      (service.protocol === 'any' || service.protocol === protocol) &&
      (service.ports.length === 0 || service.ports.some(({ first, last }) => first <= port && port <= last)),
  );
}

const TCP = 6;
const UDP = 17;
const NAMES: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmpv6' };

import type { Family } from './address/family.js';
import type { BundlePortRange } from './bundle.js';
import type { Service, ServiceProtocol } from './intent.js';
import type { CompileProblem } from './problem.js';

/** A service as an SPD entry says it; no ports means all of them. */
export interface ResolvedService {
  readonly protocol: number | 'any';
  readonly ports: readonly BundlePortRange[];
}

/** Reports what is wrong with the services of a rule, or with a named service: the owner. */
export function checkServices(
  services: readonly Service[],
  pointer: string,
  problems: CompileProblem[],
  owner = 'The rule',
): void {
  if (services.length === 0) {
    problems.push({
      pointer,
      rule: 'empty_list',
      detail: `${owner} names no service.`,
      fix: 'Name at least one service; the protocol "any" covers them all.',
    });
  }
  for (const [index, service] of services.entries()) {
    if (service.ports.length > 0 && !hasPorts(service.protocol)) {
      problems.push({
        pointer: `${pointer}/${index}/ports`,
        rule: 'ports_without_protocol',
        detail: `The protocol "${service.protocol}" has no ports.`,
        fix: 'Choose tcp or udp, or remove the ports.',
      });
    }
    for (const [portIndex, range] of service.ports.entries()) {
      if (isPort(range.first) && isPort(range.last) && range.first <= range.last) continue;
      problems.push({
        pointer: `${pointer}/${index}/ports/${portIndex}`,
        rule: 'invalid_port_range',
        detail: `${range.first} to ${range.last} is not a range of ports.`,
        fix: `Use whole numbers from 0 to ${MAX_PORT}, the lower one first.`,
      });
    }
  }
}

/**
 * The services that exist for a family, in one canonical form: one per protocol, by protocol number, ports merged.
 * ICMP belongs to IPv4 and ICMPv6 to IPv6.
 */
export function servicesOfFamily(services: readonly Service[], family: Family): readonly ResolvedService[] {
  if (services.some((service) => service.protocol === 'any')) return [{ protocol: 'any', ports: [] }];
  return PROTOCOLS.flatMap(({ name, number, families }) => {
    const same = services.filter((service) => service.protocol === name);
    if (same.length === 0 || !families.includes(family)) return [];
    const all = same.some((service) => service.ports.length === 0);
    return [{ protocol: number, ports: all ? [] : mergedPorts(same.flatMap((service) => service.ports)) }];
  });
}

function mergedPorts(ranges: readonly BundlePortRange[]): readonly BundlePortRange[] {
  const merged: { first: number; last: number }[] = [];
  for (const range of [...ranges].sort((left, right) => left.first - right.first)) {
    const previous = merged.at(-1);
    if (previous !== undefined && range.first <= previous.last + 1) {
      previous.last = Math.max(previous.last, range.last);
    } else {
      merged.push({ first: range.first, last: range.last });
    }
  }
  const [only] = merged;
  return only?.first === 0 && only.last === MAX_PORT ? [] : merged;
}

function hasPorts(protocol: ServiceProtocol): boolean {
  return protocol === 'tcp' || protocol === 'udp';
}

function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= MAX_PORT;
}

const MAX_PORT = 65535;

/** IANA protocol numbers, ascending. */
const PROTOCOLS: readonly { name: ServiceProtocol; number: number; families: readonly Family[] }[] = [
  { name: 'icmp', number: 1, families: [4] },
  { name: 'tcp', number: 6, families: [4, 6] },
  { name: 'udp', number: 17, families: [4, 6] },
  { name: 'icmpv6', number: 58, families: [6] },
];

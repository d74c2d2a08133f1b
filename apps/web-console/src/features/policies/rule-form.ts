import type { Action, Rule, RuleInput, Selector, Service } from '../../api/index.js';
import { formatPorts, parsePorts } from '../../lib/ports.js';
import { readTunnelStart, type TunnelStartValues, tunnelStartValues } from '../fabric/tunnel-start.js';
import { hasPorts } from './describe.js';

/** A rule as its form holds it: ports are text until they are sent. */
export interface RuleValues {
  readonly name: string;
  readonly action: Action;
  readonly sources: readonly Selector[];
  readonly destinations: readonly Selector[];
  readonly services: readonly ServiceValues[];
  /** Named services, in addition. */
  readonly serviceIds: readonly string[];
  /** Null: the default one. */
  readonly profileId: string | null;
  readonly tunnelStart: TunnelStartValues;
  readonly enabled: boolean;
}

export interface ServiceValues {
  /** Identity of the line in the form only. */
  readonly key: string;
  readonly protocol: Service['protocol'];
  readonly ports: string;
}

export function ruleValues(rule: Rule | undefined, nextKey: () => string): RuleValues {
  const services = rule?.services ?? [{ protocol: 'any' as const, ports: [] }];
  return {
    name: rule?.name ?? '',
    action: rule?.action ?? 'PROTECT',
    sources: rule?.sources ?? [],
    destinations: rule?.destinations ?? [],
    services: serviceValues(services, nextKey),
    serviceIds: rule?.serviceIds ?? [],
    profileId: rule?.profileId ?? null,
    tunnelStart: tunnelStartValues(rule?.tunnelStart ?? null),
    enabled: rule?.enabled ?? true,
  };
}

/** Services as lines of a form. */
export function serviceValues(services: readonly Service[], nextKey: () => string): ServiceValues[] {
  return services.map(({ protocol, ports }) => ({ key: nextKey(), protocol, ports: formatPorts(ports) }));
}

/** The form when named services are chosen: the line that covers everything would make them mean nothing, and goes. */
export function namingServices({ services }: RuleValues, serviceIds: readonly string[]): Partial<RuleValues> {
  const covered = services.length === 1 && services[0]?.protocol === 'any' && serviceIds.length > 0;
  return covered ? { serviceIds, services: [] } : { serviceIds };
}

export type RuleReading =
  | { readonly ok: true; readonly rule: RuleInput }
  | { readonly ok: false; readonly errors: Readonly<Record<string, string>> };

/** Turns the form into a rule, or says by form path what is missing. What only the controller knows is left to it. */
export function readRule(values: RuleValues, id: string | undefined): RuleReading {
  const errors: Record<string, string> = {};
  if (values.name.trim() === '') errors['name'] = 'Give the rule a name.';
  if (values.sources.length === 0) errors['sources'] = 'Choose where the traffic comes from, or any.';
  if (values.destinations.length === 0) errors['destinations'] = 'Choose where the traffic goes, or any.';
  if (values.services.length + values.serviceIds.length === 0) errors['services'] = 'Add a service, or any.';
  const { services, errors: atPorts } = readServices(values.services);
  Object.assign(errors, atPorts);
  const reading = readTunnelStart(values.tunnelStart);
  if (!reading.ok) errors['tunnelStart'] = reading.reason;
  if (!reading.ok || Object.keys(errors).length > 0) return { ok: false, errors };
  const { action, sources, destinations, serviceIds, profileId, enabled } = values;
  const rule = {
    name: values.name.trim(),
    action,
    sources: [...sources],
    destinations: [...destinations],
    services,
    serviceIds: [...serviceIds],
    profileId,
    tunnelStart: reading.start,
    enabled,
  };
  return { ok: true, rule: id === undefined ? rule : { ...rule, id } };
}

/** Services of the lines of a form, and by form path what is wrong with their ports. */
export function readServices(lines: readonly ServiceValues[]): {
  readonly services: Service[];
  readonly errors: Record<string, string>;
} {
  const errors: Record<string, string> = {};
  const services = lines.map(({ protocol, ports }, index): Service => {
    if (!hasPorts(protocol)) return { protocol, ports: [] };
    const parsed = parsePorts(ports);
    if (!parsed.ok) errors[`services.${index}.ports`] = parsed.reason;
    return { protocol, ports: parsed.ok ? [...parsed.ports] : [] };
  });
  return { services, errors };
}

/** The form paths of lines of services. */
export function serviceFields(lines: readonly ServiceValues[]): string[] {
  return lines.map((_, index) => `services.${index}.ports`);
}

/** Every form path that can carry an error. */
export function ruleFields(values: RuleValues): string[] {
  return [
    'name',
    'action',
    'sources',
    'destinations',
    'services',
    'serviceIds',
    'tunnelStart',
    'profileId',
    ...serviceFields(values.services),
  ];
}

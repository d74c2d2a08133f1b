import type { NamedService, NamedServiceInput, Policy } from '../../api/index.js';
import { readServices, type ServiceValues, serviceFields, serviceValues } from '../policies/rule-form.js';

/** A named service as its form holds it. */
export interface NamedServiceValues {
  readonly name: string;
  readonly description: string;
  readonly services: readonly ServiceValues[];
}

/** Of a service to change, or of a new one. */
export function namedServiceValues(service: NamedService | undefined, nextKey: () => string): NamedServiceValues {
  return {
    name: service?.name ?? '',
    description: service?.description ?? '',
    services: serviceValues(service?.services ?? [{ protocol: 'tcp', ports: [] }], nextKey),
  };
}

/** What the controller is asked for, or by form path what is not written as it is read. */
export function readNamedService(
  values: NamedServiceValues,
): { readonly body: NamedServiceInput } | { readonly errors: Readonly<Record<string, string>> } {
  const { services, errors } = readServices(values.services);
  if (values.name.trim() === '') errors['name'] = 'Give the service a name.';
  if (Object.keys(errors).length > 0) return { errors };
  return { body: { name: values.name.trim(), description: values.description, services } };
}

/** Every form path that can carry an error. */
export function namedServiceFields({ services }: NamedServiceValues): string[] {
  return ['name', 'description', 'services', ...serviceFields(services)];
}

/** Rules of the draft that name the service, as `policy: rule`. */
export function rulesNaming(serviceId: string, policies: readonly Policy[]): readonly string[] {
  return policies.flatMap((policy) =>
    policy.rules
      .filter(({ serviceIds }) => serviceIds.includes(serviceId))
      .map(({ name }) => `${policy.name}: ${name}`),
  );
}

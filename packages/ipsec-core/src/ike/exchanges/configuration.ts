import { toHex } from '../../bytes/hex.js';
import { CONFIGURATION_ATTRIBUTE, CONFIGURATION_TYPE } from '../../wire/ike/iana.js';
import type { ConfigurationAttribute, ConfigurationPayload } from '../../wire/ike/payloads/configuration.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import type { HostConfiguration } from '../connection.js';
import type { IkeSa } from '../ike-sa.js';
import type { Lineage } from '../lineage.js';
import { everything, isWithin } from '../narrowing.js';
import type { FailureReason } from '../outputs.js';
import { find } from './payload-access.js';

/** CFG_REQUEST of IKE_AUTH (RFC 7296 section 3.15): empty attributes ask for whatever the peer gives. */
export function configurationRequest({ connection }: Lineage): Payload[] {
  const { configuration } = connection;
  if (configuration?.kind !== 'client') return [];
  const attributes = configuration.families.flatMap((family) => [
    empty(family === 4 ? 'INTERNAL_IP4_ADDRESS' : 'INTERNAL_IP6_ADDRESS'),
    ...(configuration.dns ? [empty(family === 4 ? 'INTERNAL_IP4_DNS' : 'INTERNAL_IP6_DNS')] : []),
  ]);
  if (configuration.dns) attributes.push(empty('INTERNAL_DNS_DOMAIN'));
  return [{ kind: 'CP', type: CONFIGURATION_TYPE.REQUEST, attributes }];
}

/** CFG_REPLY, or why there can be no Child SA without one. */
export type ConfigurationAnswer =
  | { readonly ok: true; readonly answer: readonly Payload[] }
  | { readonly ok: false; readonly refusal: Payload; readonly reason: FailureReason };

/** Assigns addresses to the peer that was authenticated; they are its own until the lineage ends. */
export function answerConfiguration(sa: IkeSa, payloads: readonly Payload[]): ConfigurationAnswer {
  const { configuration } = sa.lineage.connection;
  if (configuration?.kind !== 'server') return { ok: true, answer: [] };
  const request = find(payloads, 'CP');
  if (request?.type !== CONFIGURATION_TYPE.REQUEST) {
    if (!configuration.required) return { ok: true, answer: [] };
    return { ok: false, refusal: notify('FAILED_CP_REQUIRED'), reason: { code: 'configuration_required' } };
  }
  const addresses = lease(sa, configuration, request);
  const asked = request.attributes.some(({ type }) => ADDRESS_FAMILY.has(type));
  if (asked && addresses.length === 0) {
    return { ok: false, refusal: notify('INTERNAL_ADDRESS_FAILURE'), reason: { code: 'no_address' } };
  }
  sa.lineage.virtual.remote.push(...addresses);
  const attributes = [...addresses.map(addressAttribute), ...nameAttributes(configuration, request)];
  return { ok: true, answer: [{ kind: 'CP', type: CONFIGURATION_TYPE.REPLY, attributes }] };
}

/** What the peer assigned to us is told to the host, and is what 'virtual' selectors stand for. */
export function absorbConfiguration({ lineage }: IkeSa, payloads: readonly Payload[]): void {
  const { configuration, name } = lineage.connection;
  const reply = find(payloads, 'CP');
  if (configuration?.kind !== 'client' || reply?.type !== CONFIGURATION_TYPE.REPLY) return;
  const valuesOf = (type: number, length: number) =>
    reply.attributes.filter((each) => each.type === type && each.value.length >= length).map(({ value }) => value);
  const { INTERNAL_IP4_ADDRESS, INTERNAL_IP6_ADDRESS, INTERNAL_IP4_DNS, INTERNAL_IP6_DNS, INTERNAL_DNS_DOMAIN } =
    CONFIGURATION_ATTRIBUTE;
  const addresses = [
    ...valuesOf(INTERNAL_IP4_ADDRESS, 4).map((value) => value.subarray(0, 4)),
    ...valuesOf(INTERNAL_IP6_ADDRESS, 16).map((value) => value.subarray(0, 16)),
  ].slice(0, MAXIMUM_ADDRESSES);
  // Who did not ask for any is "unwilling to accept a Split DNS configuration" (RFC 8598 section 3.1).
  const dns = configuration.dns ? [...valuesOf(INTERNAL_IP4_DNS, 4), ...valuesOf(INTERNAL_IP6_DNS, 16)] : [];
  // Domains "MUST be accompanied by one or more INTERNAL_IP4_DNS or INTERNAL_IP6_DNS" (section 3): without, nobody knows them.
  const split = dns.length > 0 && isSplit(lineage, payloads);
  const domains = split ? valuesOf(INTERNAL_DNS_DOMAIN, 1).map(textOf).filter(isDomain) : [];
  lineage.virtual.local.push(...addresses);
  lineage.tell({ kind: 'configured', connection: name, addresses, dns, domains });
}

/**
 * RFC 8598 section 8: "if the negotiated IPsec connection is not a split-tunnel configuration, the INTERNAL_DNS_DOMAIN …
 * MUST be ignored". It is none when all of a family goes to the peer.
 */
function isSplit({ connection }: Lineage, payloads: readonly Payload[]): boolean {
  const configured = connection.children.flatMap(({ remote }) => (remote === 'virtual' ? [] : remote));
  const remote = find(payloads, 'TSr')?.selectors ?? configured;
  return ![everything(4), everything(6)].some((all) => isWithin([all], remote));
}

type Server = Extract<HostConfiguration, { kind: 'server' }>;

/** One address of each family that is asked for: that of the peer, or one of the first pool that has one. */
function lease({ lineage, host }: IkeSa, { pools, fixed = [] }: Server, request: ConfigurationPayload): Uint8Array[] {
  const { type: idType, data } = lineage.connection.remoteIdentity;
  const owner = `${idType}:${toHex(data)}`;
  const addresses: Uint8Array[] = [];
  for (const [type, length] of ADDRESS_FAMILY) {
    const asked = request.attributes.find((attribute) => attribute.type === type);
    if (asked === undefined) continue;
    const own = fixed.find((address) => address.length === length);
    if (own !== undefined) {
      addresses.push(own);
      continue;
    }
    const wanted = asked.value.length >= length ? asked.value.subarray(0, length) : undefined;
    for (const range of pools.filter(({ first }) => first.length === length)) {
      const address = host.addressPools.lease(range, owner, wanted);
      if (address === undefined) continue;
      addresses.push(address);
      lineage.atEnd(() => host.addressPools.release(range, owner));
      break;
    }
  }
  return addresses;
}

/** RFC 8598 section 3.2: domains only beside the servers that know them, and only to who asks. */
function nameAttributes({ dns, domains }: Server, request: ConfigurationPayload): ConfigurationAttribute[] {
  const asked = new Set(request.attributes.map(({ type }) => type));
  const servers = dns
    .map((value) => ({
      type: CONFIGURATION_ATTRIBUTE[value.length === 4 ? 'INTERNAL_IP4_DNS' : 'INTERNAL_IP6_DNS'],
      value,
    }))
    .filter(({ type }) => asked.has(type));
  const { INTERNAL_DNS_DOMAIN } = CONFIGURATION_ATTRIBUTE;
  if (servers.length === 0 || !asked.has(INTERNAL_DNS_DOMAIN)) return servers;
  const octets = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
  return [...servers, ...domains.map((domain) => ({ type: INTERNAL_DNS_DOMAIN, value: octets(domain) }))];
}

function addressAttribute(address: Uint8Array): ConfigurationAttribute {
  if (address.length === 4) return { type: CONFIGURATION_ATTRIBUTE.INTERNAL_IP4_ADDRESS, value: address };
  return { type: CONFIGURATION_ATTRIBUTE.INTERNAL_IP6_ADDRESS, value: Uint8Array.of(...address, HOST_PREFIX) };
}

function empty(name: keyof typeof CONFIGURATION_ATTRIBUTE): ConfigurationAttribute {
  return { type: CONFIGURATION_ATTRIBUTE[name], value: new Uint8Array(0) };
}

function textOf(octets: Uint8Array): string {
  return Array.from(octets, (octet) => String.fromCharCode(octet))
    .join('')
    .replace(/\.$/, '');
}

/** Letters, digits and hyphens, as the host may hand it to a resolver: nothing else comes from the network into one. */
function isDomain(text: string): boolean {
  return (
    text.length <= 253 && /^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(text)
  );
}

const ADDRESS_FAMILY: ReadonlyMap<number, number> = new Map([
  [CONFIGURATION_ATTRIBUTE.INTERNAL_IP4_ADDRESS, 4],
  [CONFIGURATION_ATTRIBUTE.INTERNAL_IP6_ADDRESS, 16],
]);
/** One of each family is what we ask for. */
const MAXIMUM_ADDRESSES = 2;
const HOST_PREFIX = 128;

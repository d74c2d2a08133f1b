import { sameIdentity } from '../wire/ike/payloads/identification.js';
import { type Connection, canInitiate, natTraversalOf } from './connection.js';
import { confirmOutbound } from './exchanges/child-install.js';
import { requestChild, requestChildRekey } from './exchanges/child-request.js';
import { closeIke } from './exchanges/close.js';
import { deleteChild } from './exchanges/delete-child.js';
import { requestIkeRekey } from './exchanges/ike-rekey-request.js';
import { initiate } from './exchanges/init-initiator.js';
import { followNatPolicy } from './exchanges/nat-policy.js';
import { changeOwnAddresses } from './exchanges/own-addresses.js';
import { watchPaths } from './exchanges/path-watch.js';
import { changeAuthenticationLifetime, requestReauthentication } from './exchanges/reauthentication.js';
import { reportUnknownSpi } from './exchanges/unknown-spi.js';
import type { IkeHost } from './host.js';
import type { Lineage } from './lineage.js';
import type { IkeInput } from './outputs.js';
import type { Registry } from './registry.js';

export type IkeCommand = Exclude<IkeInput, { readonly kind: 'datagram' | 'timeout' | 'job-done' }>;

/**
 * What the host asks for. Commands that name something that is not there, or no longer, do nothing: the peer may have been
 * faster. A connection that is not configured, or cannot initiate, is the caller's mistake: RangeError.
 */
export function command(host: IkeHost, registry: Registry, input: IkeCommand, now: number): void {
  switch (input.kind) {
    case 'configure':
      reconfigure(host, registry, input.connections, now);
      break;
    case 'unknown-spi':
      reportUnknownSpi(host, input, input.spi, now);
      break;
    case 'initiate': {
      const connection = connectionOf(host, input.connection);
      if (!canInitiate(connection)) throw new RangeError(`${input.connection} has no address of the peer.`);
      const all = registry.of(input.connection);
      const underWay = all.some(({ current, unwanted }) => !unwanted && !OVER.has(current.state.name));
      if (!underWay) initiate(host, connection, now);
      break;
    }
    case 'initiate-child': {
      const child = connectionOf(host, input.connection).children.find(({ name }) => name === input.child);
      if (child === undefined) throw new RangeError(`${input.connection} has no child ${input.child}.`);
      const [lineage] = host.established(connectionOf(host, input.connection));
      if (lineage !== undefined) requestChild(lineage, child, now, input.flow);
      break;
    }
    case 'local-addresses': {
      const { name } = connectionOf(host, input.connection);
      const before = host.localAddresses.get(name) ?? [];
      host.localAddresses.set(name, input.addresses);
      for (const lineage of registry.of(name)) changeOwnAddresses(lineage, before, now);
      break;
    }
    case 'rekey-ike':
    case 'reauthenticate':
    case 'delete-ike':
      for (const lineage of host.established(connectionOf(host, input.connection))) {
        ON_IKE_SAS[input.kind](lineage, now);
      }
      break;
    case 'inbound-used':
    case 'rekey-child':
    case 'delete-child': {
      const lineage = host.childSpis.ownerOf(input.inboundSpi);
      const child = lineage?.children.byInboundSpi(input.inboundSpi);
      if (lineage !== undefined && child !== undefined) ON_CHILD_SA[input.kind](lineage, child, now);
    }
  }
}

const ON_IKE_SAS = {
  'rekey-ike': requestIkeRekey,
  reauthenticate: requestReauthentication,
  'delete-ike': (lineage: Lineage, now: number) => {
    // What was to take its place must not come up after it.
    const { reauthentication } = lineage;
    if (reauthentication !== undefined && reauthentication.establishedAt === undefined) reauthentication.giveUp(now);
    closeIke(lineage, now);
  },
} as const;

const ON_CHILD_SA = {
  'inbound-used': confirmOutbound,
  'rekey-child': requestChildRekey,
  'delete-child': deleteChild,
} as const;

/** Everything that is not configured any more is deleted; what still is goes on, and is as configured from its next rekey. */
function reconfigure(host: IkeHost, registry: Registry, connections: readonly Connection[], now: number): void {
  host.connections.replace(connections);
  for (const name of host.localAddresses.keys()) {
    if (host.connections.named(name) === undefined) host.localAddresses.delete(name);
  }
  const lineages = new Set(registry.all.map(({ lineage }) => lineage));
  for (const lineage of lineages) {
    const connection = host.connections.named(lineage.connection.name);
    if (connection !== undefined && isOfAnother(lineage, connection)) part(lineage, now);
    else if (connection !== undefined) adopt(lineage, connection, now);
    else if (lineage.standing) closeIke(lineage, now);
    else if (lineage.establishedAt === undefined) lineage.giveUp(now);
  }
}

/** Its peer has proved, or is proving, another identity than that of which the connection of its name is now. */
function isOfAnother(
  { establishedAt, current, connection: before }: Lineage,
  { remoteIdentity }: Pick<Connection, 'remoteIdentity'>,
): boolean {
  const isNamed = establishedAt !== undefined || current.state.name === 'awaiting-peer-verification';
  return isNamed && !sameIdentity(remoteIdentity, before.remoteIdentity);
}

/** From a peer that has no say any more: nothing of it is accepted from now on, and its answer is not waited for. */
function part(lineage: Lineage, now: number): void {
  for (const child of lineage.children.all) lineage.children.remove(child);
  if (lineage.establishedAt === undefined) lineage.giveUp(now);
  else if (lineage.current.underway === undefined) closeIke(lineage, now);
  else lineage.fail({ code: 'authentication_failed', detail: 'the connection is for another peer now' }, now);
}

function adopt(lineage: Lineage, connection: Connection, now: number): void {
  const before = lineage.connection;
  lineage.connection = connection;
  if (connection.authenticationLifetime !== before.authenticationLifetime) changeAuthenticationLifetime(lineage, now);
  if (natTraversalOf(connection) !== natTraversalOf(before)) followNatPolicy(lineage, now);
  // It may be watched from now on.
  if (lineage.establishedAt !== undefined) watchPaths(lineage, now);
  for (const child of lineage.children.all) {
    const configuration = connection.children.find(({ name }) => name === child.configuration.name);
    if (configuration === undefined) deleteChild(lineage, child, now);
    else child.configuration = configuration;
  }
}

function connectionOf({ connections }: IkeHost, name: string): Connection {
  const connection = connections.named(name);
  if (connection === undefined) throw new RangeError(`${name} is no connection of this engine.`);
  return connection;
}

/** An IKE SA in one of these does not become, or stay, what was asked for. */
const OVER: ReadonlySet<string> = new Set(['deleting', 'refused', 'closed']);

import {
  createSecurityPolicyDatabase,
  type DataPlane,
  NetworkMapper,
  PolicyError,
  parsePrefix,
  SecurityAssociationError,
  type SecurityAssociationParameters,
} from '@weft/ipsec-core';
import { messageOf } from '../platform/agent-error.js';
import type { LoadedPolicies, OutboundReference, WorkerRefusal } from './messages.js';
import { NativeUnavailableError } from './raw-sockets.js';

/**
 * Replaces the policies and drops the associations of tunnels that are gone; `choices` as `DataPlane.choose` has them. Throws
 * before anything is changed.
 */
export function loadPolicies(dataPlane: DataPlane, loaded: LoadedPolicies, choices: ReadonlyMap<string, string>): void {
  const database = createSecurityPolicyDatabase(loaded.policies, loaded.carriers);
  dataPlane.choose(choices);
  dataPlane.installPolicy(database);
  dataPlane.paths.watch(
    loaded.groups.flatMap(({ tunnelIds, probeInterval: interval, missedProbes: misses }) =>
      tunnelIds.map((tunnelId) => ({ tunnelId, interval, misses })),
    ),
  );
  const tunnels = new Set(loaded.tunnels.map(({ tunnelId }) => tunnelId));
  removeAssociations(dataPlane, (tunnelId) => !tunnels.has(tunnelId));
}

/** What translates between networks of the site and what the fabric knows them as. */
export function networkMapperOf(mappings: LoadedPolicies['mappings']): NetworkMapper {
  return new NetworkMapper(
    mappings.map(({ local, overlay }) => ({ local: parsePrefix(local), overlay: parsePrefix(overlay) })),
  );
}

/** Back to the state before the first bundle: nothing passes. */
export function unloadPolicies(dataPlane: DataPlane): void {
  dataPlane.installPolicy(createSecurityPolicyDatabase([]));
  dataPlane.paths.watch([]);
  removeAssociations(dataPlane, () => true);
}

/**
 * Installs all associations or none, and wipes their keying material here in any case; the engine has its own.
 * `prepare` is asked before each. Throws what it or the engine throws, after the ones before the failing one were removed.
 */
export function installAssociations(
  dataPlane: DataPlane,
  associations: readonly SecurityAssociationParameters[],
  now: number,
  prepare: (association: SecurityAssociationParameters) => void,
): void {
  let installed = 0;
  try {
    for (const association of associations) {
      prepare(association);
      dataPlane.install(association, now);
      installed++;
    }
  } catch (error) {
    for (const { direction, tunnelId, spi } of associations.slice(0, installed)) {
      if (direction === 'inbound') dataPlane.removeInbound(spi);
      else dataPlane.removeOutbound(tunnelId, spi);
    }
    throw new AssociationAtError(installed, error);
  } finally {
    for (const { keyingMaterial } of associations) keyingMaterial.fill(0);
  }
}

/** Removes associations; those that are gone already are no error. */
export function removeNamed(
  dataPlane: DataPlane,
  inbound: readonly number[],
  outbound: readonly OutboundReference[],
): void {
  for (const spi of inbound) dataPlane.removeInbound(spi);
  for (const { tunnelId, spi } of outbound) dataPlane.removeOutbound(tunnelId, spi);
}

/** An error of the engine as the main thread wants it; anything else is a mistake of ours and stays an error. */
export function refusalOf(error: unknown): WorkerRefusal {
  if (error instanceof PolicyError) {
    return { path: `policies${error.path}`, code: error.code, reason: messageOf(error) };
  }
  if (error instanceof AssociationAtError) {
    const { cause, index } = error;
    if (cause instanceof SecurityAssociationError || cause instanceof NativeUnavailableError) {
      return { path: `associations[${index}]`, code: cause.code, reason: messageOf(cause) };
    }
  }
  throw error instanceof AssociationAtError ? error.cause : error;
}

/** Which association of a list failed. */
class AssociationAtError extends Error {
  readonly index: number;

  constructor(index: number, cause: unknown) {
    super(`association ${index}`, { cause });
    this.index = index;
  }
}

function removeAssociations(dataPlane: DataPlane, isGone: (tunnelId: string) => boolean): void {
  for (const { direction, tunnelId, spi } of dataPlane.associations()) {
    if (!isGone(tunnelId)) continue;
    if (direction === 'inbound') dataPlane.removeInbound(spi);
    else dataPlane.removeOutbound(tunnelId, spi);
  }
}

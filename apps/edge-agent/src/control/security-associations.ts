import { isDeepStrictEqual } from 'node:util';
import type { DeleteAssociations, SecurityAssociation, SecurityAssociationCommand } from '@weft/contracts/southbound';
import type { SecurityAssociationParameters } from '@weft/ipsec-core';
import type { DataPlaneControl } from '../dataplane/data-plane-control.js';
import { DataPlaneRefusal } from '../dataplane/plane-error.js';
import { integerWithin, limited, underlayAddress, unique } from './bundle/field.js';
import { parseProfile } from './bundle/parse-profile.js';
import { tunnelTravel } from './bundle/tunnel-travel.js';
import type { ProtectionProfile, VerifiedBundle } from './bundle/verified-bundle.js';
import { RejectionError } from './rejection.js';

/**
 * Carries out one step of RFC 9061 appendix D, whole or not at all, and wipes the keys in the command.
 * Throws RejectionError; nothing was changed then.
 */
export async function executeAssociationCommand(
  command: SecurityAssociationCommand,
  bundle: VerifiedBundle | undefined,
  dataPlane: DataPlaneControl,
): Promise<void> {
  const { step } = command;
  switch (step?.$case) {
    case 'installInbound':
      return install('install_inbound', 'inbound', step.value.associations, bundle, dataPlane);
    case 'installOutbound':
      return install('install_outbound', 'outbound', step.value.associations, bundle, dataPlane);
    case 'deleteAssociations':
      return remove(step.value, dataPlane);
    default:
      throw new RejectionError(
        'step',
        'missing_field',
        'the step is missing, or of a kind that this agent does not know',
      );
  }
}

/** Checks a list of associations against the bundle in force. Pure but for the keys, which are copied. */
export function parseAssociations(
  path: string,
  direction: 'inbound' | 'outbound',
  messages: readonly SecurityAssociation[],
  bundle: VerifiedBundle | undefined,
): SecurityAssociationParameters[] {
  if (bundle === undefined) {
    throw new RejectionError('', 'no_bundle', 'no bundle is in force, so no tunnel is known');
  }
  const names = new Set<string>();
  return limited(`${path}.associations`, messages, MAX_ASSOCIATIONS).map((message, index) => {
    const at = `${path}.associations[${index}]`;
    integerWithin(`${at}.spi`, message.spi, LOWEST_SPI, 0xffffffff);
    unique(`${at}.spi`, direction === 'inbound' ? `${message.spi}` : `${message.tunnelId} ${message.spi}`, names);
    return parseAssociation(at, direction, message, bundle);
  });
}

function parseAssociation(
  at: string,
  direction: 'inbound' | 'outbound',
  message: SecurityAssociation,
  bundle: VerifiedBundle,
): SecurityAssociationParameters {
  const tunnel = bundle.tunnels.get(message.tunnelId);
  if (tunnel === undefined) {
    throw new RejectionError(`${at}.tunnel_id`, 'unknown_tunnel', 'it names no tunnel of the bundle in force');
  }
  if (tunnel.remote === undefined || tunnel.keying.mode !== 'ike-less') {
    throw new RejectionError(`${at}.tunnel_id`, 'keying_mode_mismatch', 'the edges make the keys of this tunnel');
  }
  const profile = parseProfile(`${at}.profile`, message.profile);
  if (!sameProfile(profile, tunnel.profile)) {
    throw new RejectionError(`${at}.profile`, 'profile_mismatch', 'it is not the profile of the tunnel in the bundle');
  }
  if (profile.protocol !== 'esp') {
    throw new RejectionError(`${at}.profile.protocol`, 'unsupported_value', 'only edges that negotiate use AH');
  }
  if (profile.mode !== 'tunnel') {
    throw new RejectionError(`${at}.profile.mode`, 'unsupported_value', 'only edges that negotiate use transport mode');
  }
  const peer = underlayAddress(`${at}.peer`, message.peer, 'specified');
  if (peer.text !== tunnel.remote.text || peer.port !== tunnel.remote.port) {
    throw new RejectionError(`${at}.peer`, 'peer_mismatch', 'it is not the remote end of the tunnel in the bundle');
  }
  const keyOctets = profile.keyBits / 8 + SALT_OCTETS;
  if (message.keyingMaterial.length !== keyOctets) {
    throw new RejectionError(
      `${at}.keying_material`,
      'bad_key_length',
      `the profile needs ${keyOctets} octets, not ${message.keyingMaterial.length}`,
    );
  }
  const hard = seconds(`${at}.hard_lifetime_seconds`, message.hardLifetimeSeconds, MAX_LIFETIME_SECONDS);
  const soft = seconds(`${at}.soft_lifetime_seconds`, message.softLifetimeSeconds, hard);
  return {
    direction,
    tunnelId: message.tunnelId,
    spi: message.spi,
    protocol: 'esp',
    mode: 'tunnel',
    suite: profile.suite,
    keyBits: profile.keyBits,
    // A copy with a buffer of its own: it is moved to the worker, and the message's may share a pool.
    keyingMaterial: Uint8Array.from(message.keyingMaterial),
    extendedSequenceNumbers: profile.extendedSequenceNumbers,
    replayWindow: profile.replayWindow,
    softLifetimeMilliseconds: soft * 1000,
    hardLifetimeMilliseconds: hard * 1000,
    // Every peer of a bundle is an edge like this one, and checks later fragments (RFC 4301 section 7.3).
    nonFirstFragmentsAlso: true,
    ...tunnelTravel(bundle, tunnel, profile)[direction],
  };
}

async function install(
  path: string,
  direction: 'inbound' | 'outbound',
  messages: readonly SecurityAssociation[],
  bundle: VerifiedBundle | undefined,
  dataPlane: DataPlaneControl,
): Promise<void> {
  try {
    await dataPlane.install(parseAssociations(path, direction, messages, bundle));
  } catch (error) {
    if (!(error instanceof DataPlaneRefusal)) throw error;
    const { refusal } = error;
    throw new RejectionError(`${path}.${refusal.path}`, 'association_refused', `${refusal.code}: ${refusal.reason}`, {
      cause: error,
    });
  } finally {
    for (const { keyingMaterial } of messages) keyingMaterial.fill(0);
  }
}

async function remove(step: DeleteAssociations, dataPlane: DataPlaneControl): Promise<void> {
  const inbound = limited('delete_associations.inbound_spis', step.inboundSpis, MAX_ASSOCIATIONS);
  const outbound = limited('delete_associations.outbound', step.outbound, MAX_ASSOCIATIONS);
  await dataPlane.remove(inbound, outbound);
}

function seconds(path: string, value: bigint, highest: number): number {
  // Beyond this a bigint would lose its value as a number; it is out of range anyway.
  return integerWithin(
    path,
    value > BigInt(MAX_LIFETIME_SECONDS) ? Number.MAX_SAFE_INTEGER : Number(value),
    1,
    highest,
  );
}

function sameProfile(one: ProtectionProfile, other: ProtectionProfile): boolean {
  return isDeepStrictEqual(one, other);
}

/** RFC 4303 section 2.1: SPIs 1 to 255 are reserved. */
const LOWEST_SPI = 256;
/** RFC 4106 section 8.1, RFC 7634 section 2. */
const SALT_OCTETS = 4;
const MAX_ASSOCIATIONS = 8192;
const MAX_LIFETIME_SECONDS = 30 * 24 * 3600;

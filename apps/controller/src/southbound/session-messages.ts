import {
  type BundleAck,
  type BundleNack,
  type EdgeEvent,
  type EdgeEvents,
  type Hello,
  type InstalledAssociation,
  KeyingMode,
  type KeyShare,
  type PathStatus,
  type RunningBundle,
  type SecurityAssociationExpiring,
  type SecurityAssociationResult,
  type StatusReport,
  type TrustHeld,
} from '@weft/contracts/southbound';
import { malformed } from './protocol-error.js';

/** Throws ProtocolError naming the first field that is out of bounds. */
export function checkHello(hello: Hello): void {
  checkText('hello.agent_version', hello.agentVersion, MAX_VERSION);
  checkText('hello.boot_id', hello.bootId, MAX_IDENTIFIER);
  checkLine('hello.boot_id', hello.bootId, MAX_IDENTIFIER);
  if (hello.running !== undefined) checkRunning('hello.running', hello.running);
  checkCount('hello.associations', hello.associations, MAX_ASSOCIATIONS);
  for (const [index, association] of hello.associations.entries()) {
    checkAssociation(`hello.associations[${index}]`, association);
  }
  checkCount('hello.keying_modes', hello.keyingModes, MAX_KEYING_MODES);
  // Which of them a tenant uses is its choice: a bundle that asks for another is not sent (Distribution).
  if (!hello.keyingModes.some((mode) => KEYING_MODES.has(mode))) {
    throw malformed(
      'hello.keying_modes',
      'this controller has KEYING_MODE_IKEV2, KEYING_MODE_IKE_LESS and KEYING_MODE_CONTROLLER_BLIND; update the agent',
    );
  }
}

export function checkAck(ack: BundleAck): RunningBundle {
  checkText('bundle_ack.nonce', ack.nonce, MAX_IDENTIFIER);
  if (ack.running === undefined) throw malformed('bundle_ack.running', 'must say what runs now');
  checkRunning('bundle_ack.running', ack.running);
  return ack.running;
}

export function checkNack(nack: BundleNack): NonNullable<BundleNack['rejection']> {
  checkText('bundle_nack.nonce', nack.nonce, MAX_IDENTIFIER);
  if (nack.running !== undefined) checkRunning('bundle_nack.running', nack.running);
  if (nack.rejection === undefined) throw malformed('bundle_nack.rejection', 'must say why the bundle was refused');
  checkRejection('bundle_nack.rejection', nack.rejection);
  return nack.rejection;
}

export function checkResult(result: SecurityAssociationResult): void {
  checkText('security_association_result.command_id', result.commandId, MAX_IDENTIFIER);
  if (result.rejection !== undefined) checkRejection('security_association_result.rejection', result.rejection);
}

export function checkExpiring({ association }: SecurityAssociationExpiring): InstalledAssociation {
  const field = 'security_association_expiring.association';
  if (association === undefined) throw malformed(field, 'must name the association');
  checkAssociation(field, association);
  return association;
}

export function checkTrust({ version, certificateSerial }: TrustHeld): void {
  if (version > LARGEST_NUMBER) throw malformed('trust_held.version', 'is larger than any version');
  if (!SERIAL.test(certificateSerial)) {
    throw malformed('trust_held.certificate_serial', 'must be a serial number in lower-case hex');
  }
}

/** Its content is between the two edges: whoever relays it takes it as octets. */
export function checkKeyShare({ tunnelId, signedMessage }: KeyShare): void {
  checkUuid('key_share.tunnel_id', tunnelId);
  if (signedMessage.length < 1 || signedMessage.length > MAX_KEY_SHARE_OCTETS) {
    throw malformed('key_share.signed_message', `must have 1 to ${MAX_KEY_SHARE_OCTETS} octets`);
  }
}

export function checkStatus(status: StatusReport): void {
  if (status.takenAt === undefined) throw malformed('status.taken_at', 'must be set');
  checkCount('status.tunnels', status.tunnels, MAX_TUNNELS);
  for (const [index, tunnel] of status.tunnels.entries()) {
    checkUuid(`status.tunnels[${index}].tunnel_id`, tunnel.tunnelId);
    checkCount(`status.tunnels[${index}].inbound_spis`, tunnel.inboundSpis, MAX_SPIS_PER_TUNNEL);
    if (tunnel.path !== undefined) checkPath(`status.tunnels[${index}].path`, tunnel.path);
  }
  checkCount('status.security_policies', status.securityPolicies, MAX_POLICIES);
  for (const [index, policy] of status.securityPolicies.entries()) {
    checkText(`status.security_policies[${index}].entry_id`, policy.entryId, MAX_IDENTIFIER);
  }
  checkCount('status.drops', status.drops, MAX_DROP_REASONS);
  for (const [index, drop] of status.drops.entries()) {
    checkText(`status.drops[${index}].reason`, drop.reason, MAX_IDENTIFIER);
  }
}

function checkPath(field: string, path: PathStatus): void {
  const octets = [
    ...[path.pathMtu, path.outerIpHeader, path.udpHeader, path.espOverhead, path.unused, path.largestPacket],
    ...[path.maximumSegmentSize4, path.maximumSegmentSize6],
  ];
  if (octets.some((each) => each > LARGEST_IP_PACKET)) {
    throw malformed(field, `must have lengths of at most ${LARGEST_IP_PACKET} octets`);
  }
}

/** @returns the number that confirms all of them. */
export function checkEvents({ events }: EdgeEvents): bigint {
  checkCount('events.events', events, MAX_EVENTS);
  let last = 0n;
  for (const [index, event] of events.entries()) {
    const field = `events.events[${index}]`;
    if (event.number <= last || event.number > LARGEST_NUMBER) {
      throw malformed(`${field}.number`, `must be above ${last}, and at most ${LARGEST_NUMBER}`);
    }
    last = event.number;
    checkEvent(field, event);
  }
  if (last === 0n) throw malformed('events.events', 'must hold an event');
  return last;
}

function checkEvent(field: string, { occurredAt, tunnelId, cause, detail }: EdgeEvent): void {
  const milliseconds = occurredAt?.getTime() ?? Number.NaN;
  if (!(milliseconds >= 0 && milliseconds < END_OF_TIME)) {
    throw malformed(`${field}.occurred_at`, 'must be a time from 1970 to 9999');
  }
  if (tunnelId !== '') checkUuid(`${field}.tunnel_id`, tunnelId);
  checkLine(`${field}.cause`, cause, MAX_CAUSE);
  checkLine(`${field}.detail`, detail, MAX_DETAIL);
}

function checkLine(field: string, text: string, limit: number): void {
  if (text.length > limit || UNPRINTABLE.test(text)) {
    throw malformed(field, `must be one line of at most ${limit} characters`);
  }
}

function checkRunning(field: string, running: RunningBundle): void {
  if (running.generation < 1n) throw malformed(`${field}.generation`, 'must be 1 or more');
  if (running.contentHash.length !== SHA256_OCTETS) {
    throw malformed(`${field}.content_hash`, `must have ${SHA256_OCTETS} octets`);
  }
}

function checkAssociation(field: string, association: InstalledAssociation): void {
  checkUuid(`${field}.tunnel_id`, association.tunnelId);
  if (association.spi < FIRST_SPI) throw malformed(`${field}.spi`, `must be ${FIRST_SPI} or more`);
}

function checkRejection(field: string, rejection: { path: string; rule: string; reason: string }): void {
  if (rejection.path.length > MAX_REASON) throw malformed(`${field}.path`, `has more than ${MAX_REASON} characters`);
  checkText(`${field}.rule`, rejection.rule, MAX_IDENTIFIER);
  if (rejection.reason.length > MAX_REASON)
    throw malformed(`${field}.reason`, `has more than ${MAX_REASON} characters`);
}

function checkText(field: string, text: string, limit: number): void {
  if (text.length < 1 || text.length > limit) throw malformed(field, `must have 1 to ${limit} characters`);
}

function checkUuid(field: string, text: string): void {
  if (!UUID.test(text)) throw malformed(field, 'must be a UUID in lower case');
}

function checkCount(field: string, items: readonly unknown[], limit: number): void {
  if (items.length > limit) throw malformed(field, `has more than ${limit} elements`);
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const SERIAL = /^[0-9a-f]{1,40}$/;
const SHA256_OCTETS = 32;
const FIRST_SPI = 256;
const MAX_VERSION = 64;
const MAX_IDENTIFIER = 128;
const MAX_REASON = 1024;
const MAX_TUNNELS = 4096;
const MAX_POLICIES = 100_000;
const MAX_DROP_REASONS = 256;
const KEYING_MODES: ReadonlySet<KeyingMode> = new Set([
  KeyingMode.KEYING_MODE_IKEV2,
  KeyingMode.KEYING_MODE_IKE_LESS,
  KeyingMode.KEYING_MODE_CONTROLLER_BLIND,
]);
const MAX_KEYING_MODES = 16;
const MAX_SPIS_PER_TUNNEL = 64;
const LARGEST_IP_PACKET = 65_535;
const MAX_ASSOCIATIONS = 65_536;
/** As many as an edge reads; the contract says so, and the engine that makes them is not ours to import. */
const MAX_KEY_SHARE_OCTETS = 16_384;
const MAX_EVENTS = 64;
const MAX_CAUSE = 64;
const MAX_DETAIL = 512;
const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;
/** What a bigint of the database holds. */
const LARGEST_NUMBER = 2n ** 63n - 1n;
const END_OF_TIME = Date.UTC(10_000, 0);

import {
  type EdgeEvent,
  EdgeEventKind,
  type Hello,
  KeyingMode,
  PathMtuSource,
  type StatusReport,
} from '@weft/contracts/southbound';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from './protocol-error.js';
import {
  checkAck,
  checkEvents,
  checkExpiring,
  checkHello,
  checkKeyShare,
  checkNack,
  checkResult,
  checkStatus,
  checkTrust,
} from './session-messages.js';

const UUID = '11111111-1111-4111-8111-111111111111';
/** As session.proto says. */
const MAX_KEY_SHARE_OCTETS = 16_384;
const RUNNING = { generation: 1n, contentHash: Buffer.alloc(32) };
const ASSOCIATION = { tunnelId: UUID, spi: 256, inbound: true };
const REJECTION = { path: 'routes[0]', rule: 'bad_prefix', reason: 'it is no prefix' };
const HELLO: Hello = {
  agentVersion: '1.0.0',
  bootId: 'boot',
  running: RUNNING,
  associations: [ASSOCIATION],
  keyingModes: [KeyingMode.KEYING_MODE_IKE_LESS],
  limitsRemovals: true,
};
const TUNNEL = {
  tunnelId: UUID,
  inboundSpis: [256],
  outboundSpi: 0,
  inboundPackets: 0n,
  inboundBytes: 0n,
  outboundPackets: 0n,
  outboundBytes: 0n,
};
const PATH = {
  pathMtu: 65_535,
  source: PathMtuSource.PATH_MTU_SOURCE_PROBE,
  outerIpHeader: 40,
  udpHeader: 8,
  espOverhead: 34,
  unused: 0,
  largestPacket: 65_453,
  maximumSegmentSize4: 0,
  maximumSegmentSize6: 0,
  roundTripMicroseconds: 0xffff_ffff,
  roundTripProbes: 2n ** 64n - 1n,
  roundTripAnswers: 0n,
};
const STATUS: StatusReport = {
  takenAt: new Date(0),
  tunnels: [TUNNEL],
  securityPolicies: [{ entryId: 'entry', packets: 0n, bytes: 0n }],
  drops: [{ reason: 'no_policy', packets: 0n }],
};
const EVENT: EdgeEvent = {
  number: 1n,
  occurredAt: new Date(0),
  kind: EdgeEventKind.EDGE_EVENT_KIND_TUNNEL_UP,
  tunnelId: UUID,
  cause: 'cause',
  detail: 'Detail.',
};
const events = (...changes: Partial<EdgeEvent>[]) => ({ events: changes.map((change) => ({ ...EVENT, ...change })) });

const many = <T>(count: number, item: T): T[] => Array<T>(count).fill(item);
const text = (length: number) => 'x'.repeat(length);

describe('the messages of an edge', () => {
  it('pass when everything in them is within bounds, at the bounds too', () => {
    checkHello(HELLO);
    checkHello({ ...HELLO, running: undefined, associations: [], agentVersion: text(64), bootId: text(128) });
    expect(checkAck({ nonce: 'n', running: RUNNING })).toBe(RUNNING);
    expect(checkNack({ nonce: 'n', rejection: REJECTION, running: undefined })).toBe(REJECTION);
    checkNack({ nonce: 'n', rejection: { path: '', rule: 'r', reason: '' }, running: RUNNING });
    const largest = { number: 2n ** 63n - 1n, tunnelId: '', cause: text(64), detail: text(512) };
    expect(checkEvents(events({}, { ...largest, occurredAt: new Date(Date.UTC(9999, 11, 31)) }))).toBe(2n ** 63n - 1n);
    checkResult({ commandId: text(128), rejection: undefined });
    expect(checkExpiring({ association: ASSOCIATION })).toBe(ASSOCIATION);
    checkKeyShare({ tunnelId: UUID, signedMessage: Buffer.alloc(1) });
    checkKeyShare({ tunnelId: UUID, signedMessage: Buffer.alloc(MAX_KEY_SHARE_OCTETS) });
    checkStatus(STATUS);
    checkStatus({ ...STATUS, tunnels: [{ ...TUNNEL, path: PATH }] });
    checkStatus({ takenAt: new Date(0), tunnels: many(4096, TUNNEL), securityPolicies: [], drops: [] });
  });

  it.each<[string, () => void, string]>([
    ['no version', () => checkHello({ ...HELLO, agentVersion: '' }), 'hello.agent_version'],
    ['a long version', () => checkHello({ ...HELLO, agentVersion: text(65) }), 'hello.agent_version'],
    ['no boot id', () => checkHello({ ...HELLO, bootId: '' }), 'hello.boot_id'],
    [
      'generation 0',
      () => checkHello({ ...HELLO, running: { ...RUNNING, generation: 0n } }),
      'hello.running.generation',
    ],
    [
      'a short hash',
      () => checkHello({ ...HELLO, running: { ...RUNNING, contentHash: Buffer.alloc(31) } }),
      'hello.running.content_hash',
    ],
    [
      'a tunnel that is no UUID',
      () =>
        checkHello({
          ...HELLO,
          associations: [ASSOCIATION, { ...ASSOCIATION, tunnelId: UUID.toUpperCase().replace('1', 'A') }],
        }),
      'hello.associations[1].tunnel_id',
    ],
    [
      'a reserved SPI',
      () => checkHello({ ...HELLO, associations: [{ ...ASSOCIATION, spi: 255 }] }),
      'hello.associations[0].spi',
    ],
    [
      'too many associations',
      () => checkHello({ ...HELLO, associations: many(65_537, ASSOCIATION) }),
      'hello.associations',
    ],
    [
      'a serial number that is none',
      () => checkTrust({ version: 2n, certificateSerial: 'AB' }),
      'trust_held.certificate_serial',
    ],
    [
      'a version out of bounds',
      () => checkTrust({ version: 2n ** 63n, certificateSerial: 'ab' }),
      'trust_held.version',
    ],
    [
      'a key share of no tunnel',
      () => checkKeyShare({ tunnelId: 'x', signedMessage: Buffer.alloc(1) }),
      'key_share.tunnel_id',
    ],
    [
      'an empty key share',
      () => checkKeyShare({ tunnelId: UUID, signedMessage: Buffer.alloc(0) }),
      'key_share.signed_message',
    ],
    [
      'a key share that no edge reads',
      () => checkKeyShare({ tunnelId: UUID, signedMessage: Buffer.alloc(MAX_KEY_SHARE_OCTETS + 1) }),
      'key_share.signed_message',
    ],
    ['an event without a number', () => checkEvents(events({ number: 0n })), 'events.events[0].number'],
    ['events that go back', () => checkEvents(events({ number: 2n }, { number: 2n })), 'events.events[1].number'],
    ['a number that no database holds', () => checkEvents(events({ number: 2n ** 63n })), 'events.events[0].number'],
    ['no events', () => checkEvents(events()), 'events.events'],
    ['65 events', () => checkEvents({ events: many(65, EVENT) }), 'events.events'],
    ['an event of no time', () => checkEvents(events({ occurredAt: undefined })), 'events.events[0].occurred_at'],
    ['one from before 1970', () => checkEvents(events({ occurredAt: new Date(-1) })), 'events.events[0].occurred_at'],
    ['one of no date', () => checkEvents(events({ occurredAt: new Date(1e18) })), 'events.events[0].occurred_at'],
    ['one of no tunnel', () => checkEvents(events({ tunnelId: 'x' })), 'events.events[0].tunnel_id'],
    ['a long cause', () => checkEvents(events({ cause: text(65) })), 'events.events[0].cause'],
    ['a long detail', () => checkEvents(events({ detail: text(513) })), 'events.events[0].detail'],
    ['two lines', () => checkEvents(events({ detail: 'a\nb' })), 'events.events[0].detail'],
    ['what no database keeps', () => checkEvents(events({ detail: 'a\u0000b' })), 'events.events[0].detail'],
    ['half a character', () => checkEvents(events({ cause: '\ud83d' })), 'events.events[0].cause'],
    ['no keying mode', () => checkHello({ ...HELLO, keyingModes: [] }), 'hello.keying_modes'],
    [
      'no keying mode that we have',
      () => checkHello({ ...HELLO, keyingModes: [KeyingMode.KEYING_MODE_UNSPECIFIED] }),
      'hello.keying_modes',
    ],
    [
      'too many keying modes',
      () => checkHello({ ...HELLO, keyingModes: many(17, KeyingMode.KEYING_MODE_IKE_LESS) }),
      'hello.keying_modes',
    ],
    ['an ack of no push', () => checkAck({ nonce: '', running: RUNNING }), 'bundle_ack.nonce'],
    ['an ack that runs nothing', () => checkAck({ nonce: 'n', running: undefined }), 'bundle_ack.running'],
    [
      'an ack of generation 0',
      () => checkAck({ nonce: 'n', running: { ...RUNNING, generation: 0n } }),
      'bundle_ack.running.generation',
    ],
    [
      'a nack of no push',
      () => checkNack({ nonce: '', rejection: REJECTION, running: undefined }),
      'bundle_nack.nonce',
    ],
    [
      'a nack without a reason',
      () => checkNack({ nonce: 'n', rejection: undefined, running: undefined }),
      'bundle_nack.rejection',
    ],
    [
      'a nack without a rule',
      () => checkNack({ nonce: 'n', rejection: { ...REJECTION, rule: '' }, running: undefined }),
      'bundle_nack.rejection.rule',
    ],
    [
      'a nack with a novel for a reason',
      () => checkNack({ nonce: 'n', rejection: { ...REJECTION, reason: text(1025) }, running: undefined }),
      'bundle_nack.rejection.reason',
    ],
    [
      'a nack with a long path',
      () => checkNack({ nonce: 'n', rejection: { ...REJECTION, path: text(1025) }, running: undefined }),
      'bundle_nack.rejection.path',
    ],
    [
      'a nack with a short hash',
      () => checkNack({ nonce: 'n', rejection: REJECTION, running: { ...RUNNING, contentHash: Buffer.alloc(0) } }),
      'bundle_nack.running.content_hash',
    ],
    [
      'a result of no command',
      () => checkResult({ commandId: '', rejection: undefined }),
      'security_association_result.command_id',
    ],
    [
      'a result with a bad rejection',
      () => checkResult({ commandId: 'c', rejection: { ...REJECTION, rule: text(129) } }),
      'security_association_result.rejection.rule',
    ],
    [
      'an expiry of nothing',
      () => checkExpiring({ association: undefined }),
      'security_association_expiring.association',
    ],
    [
      'an expiry of a reserved SPI',
      () => checkExpiring({ association: { ...ASSOCIATION, spi: 0 } }),
      'security_association_expiring.association.spi',
    ],
    ['a status of no time', () => checkStatus({ ...STATUS, takenAt: undefined }), 'status.taken_at'],
    ['too many tunnels', () => checkStatus({ ...STATUS, tunnels: many(4097, TUNNEL) }), 'status.tunnels'],
    [
      'a status of no tunnel',
      () => checkStatus({ ...STATUS, tunnels: [{ ...TUNNEL, tunnelId: 'x' }] }),
      'status.tunnels[0].tunnel_id',
    ],
    [
      'too many SPIs of one tunnel',
      () => checkStatus({ ...STATUS, tunnels: [{ ...TUNNEL, inboundSpis: many(65, 256) }] }),
      'status.tunnels[0].inbound_spis',
    ],
    [
      'a path for packets that IP does not have',
      () => checkStatus({ ...STATUS, tunnels: [{ ...TUNNEL, path: { ...PATH, largestPacket: 65_536 } }] }),
      'status.tunnels[0].path',
    ],
    [
      'too many policies',
      () => checkStatus({ ...STATUS, securityPolicies: many(100_001, { entryId: 'e', packets: 0n, bytes: 0n }) }),
      'status.security_policies',
    ],
    [
      'a policy without a name',
      () => checkStatus({ ...STATUS, securityPolicies: [{ entryId: '', packets: 0n, bytes: 0n }] }),
      'status.security_policies[0].entry_id',
    ],
    [
      'too many drop reasons',
      () => checkStatus({ ...STATUS, drops: many(257, { reason: 'r', packets: 0n }) }),
      'status.drops',
    ],
    [
      'a drop reason without a name',
      () => checkStatus({ ...STATUS, drops: [{ reason: '', packets: 0n }] }),
      'status.drops[0].reason',
    ],
  ])('with %s are refused by the name of the field', (_, check, field) => {
    try {
      check();
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError);
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(/^[\w.[\]]+: .{5,}/) });
      expect(String((error as Error).message).split(': ')[0]).toBe(field);
      return;
    }
    expect.fail('it was accepted');
  });
});

import { advanceTunnel } from '../../src/keying/advance-tunnel.js';
import type { KeyingEffect, KeyingEnvironment, KeyingEvent } from '../../src/keying/keying-event.js';
import { KeyingMaterial } from '../../src/keying/keying-material.js';
import {
  type KeyingCommand,
  newTunnelKeying,
  otherSide,
  SIDES,
  type Side,
  type TunnelKeying,
  type TunnelSpec,
} from '../../src/keying/tunnel-keying.js';

/** An edge as it really is: its associations survive sessions, not reboots. */
interface WorldEdge {
  readonly inbound: readonly number[];
  /** The last one is used for sending. */
  readonly outbound: readonly number[];
  readonly session: WorldSession | undefined;
}

/** Queues of one stream; what is in them is lost with it. */
interface WorldSession {
  readonly toEdge: readonly (KeyingEffect & { readonly kind: 'command' })[];
  readonly toController: readonly (KeyingEvent & { readonly kind: 'answered' })[];
}

/** The controller's keying of one tunnel, two edges, and what the specs remember of their past. A value. */
export interface World {
  readonly now: number;
  readonly keying: TunnelKeying;
  /** When the keying asked to be woken. */
  readonly wakeAt: number | undefined;
  readonly edges: readonly [WorldEdge, WorldEdge];
  /** Pairs are numbered in the order in which they are made: SPIs 1000 and 1001 are pair 0, and so on. */
  readonly pairsMade: number;
  readonly confirmed: ReadonlySet<string>;
  /** Made by this controller and not wiped. A wipe is noted and not done: other worlds may share the octets. */
  readonly keys: ReadonlySet<KeyingMaterial>;
}

export type Action =
  | 'time'
  | 'restart'
  | 'expire'
  | `${'connect' | 'process' | 'deliver' | 'drop' | 'reboot' | 'refuse' | 'swallow'}${Side}`;

/** A rule of the procedures was broken. */
export class InvariantViolation extends Error {}

export const SPEC: TunnelSpec = {
  ends: [
    { edgeId: 'edge-0', name: 'paris', address: '203.0.113.1', port: 4500 },
    { edgeId: 'edge-1', name: 'tokyo', address: '203.0.113.2', port: 4500 },
  ],
  keyingMode: 'ike-less',
  profile: {
    protocol: 'esp',
    encryption: 'aes-gcm-16',
    keyBits: 256,
    replayWindow: 1024,
    extendedSequenceNumbers: true,
    encapsulation: 'udp',
  },
};

export function newWorld(): World {
  const edge: WorldEdge = { inbound: [], outbound: [], session: undefined };
  const keying = newTunnelKeying('tunnel', SPEC);
  return {
    now: 1,
    keying,
    wakeAt: undefined,
    edges: [edge, edge],
    pairsMade: 0,
    confirmed: new Set(),
    keys: new Set(),
  };
}

/** What can happen next without anything going wrong. */
export function ordinaryActions(world: World): Action[] {
  const actions: Action[] = [];
  for (const side of SIDES) {
    const { session } = world.edges[side];
    if (session === undefined) actions.push(`connect${side}`);
    if ((session?.toEdge.length ?? 0) > 0) actions.push(`process${side}`);
    if ((session?.toController.length ?? 0) > 0) actions.push(`deliver${side}`);
  }
  if (world.wakeAt !== undefined && !isBusy(world)) actions.push('time');
  return actions;
}

/** What can go wrong next. `swallow`: the edge does as told and its answer is lost. */
export function faults(world: World): Action[] {
  const actions: Action[] = ['restart'];
  for (const side of SIDES) {
    const { session } = world.edges[side];
    actions.push(`reboot${side}`);
    if (session !== undefined) actions.push(`drop${side}`);
    if ((session?.toEdge.length ?? 0) > 0) actions.push(`refuse${side}`, `swallow${side}`);
  }
  if (isBusy(world)) actions.push('time');
  if (world.keying.current !== undefined) actions.push('expire');
  return actions;
}

/** The world after an action. Throws InvariantViolation. */
export function act(world: World, action: Action): World {
  if (action === 'time') return passTime(world);
  if (action === 'restart') return restartController(world);
  if (action === 'expire') {
    const spi = world.keying.current?.spis[0] ?? 0;
    return tell(world, { kind: 'expiring', side: 0, inbound: true, spi });
  }
  const side: Side = action.endsWith('0') ? 0 : 1;
  switch (action.slice(0, -1)) {
    case 'connect':
      return connect(world, side);
    case 'process':
      return obey(world, side, true);
    case 'swallow':
      return obey(world, side, false);
    case 'refuse':
      return refuse(world, side);
    case 'deliver':
      return deliver(world, side);
    case 'drop':
      return loseSession(world, side);
    default:
      return withEdge(loseSession(world, side), side, { inbound: [], outbound: [] });
  }
}

/** Lets everything that is under way come to rest, without faults. */
export function settled(start: World): World {
  let world = start;
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const [action] = ordinaryActions(world);
    if (action === undefined) return world;
    world = act(world, action);
  }
  throw new InvariantViolation('the world does not come to rest');
}

/** Gives the machine an event and carries its effects out. */
export function tell(world: World, event: KeyingEvent): World {
  const keys = new Set(world.keys);
  let { pairsMade } = world;
  const environment: KeyingEnvironment = {
    now: world.now,
    spi: (side) => {
      if (side === 0) pairsMade += 1;
      return FIRST_SPI + 2 * (pairsMade - 1) + side;
    },
    keyingMaterial: () => {
      const material = new KeyingMaterial(new Uint8Array(36).fill(7));
      keys.add(material);
      return material;
    },
  };
  const { state, effects, wakeAt } = advanceTunnel(world.keying, event, environment);
  const confirmed = new Set(world.confirmed);
  if (state.current !== undefined) confirmed.add(`established-${pairOf(state.current.spis[0])}`);
  let next: World = { ...world, keying: state, wakeAt, keys, pairsMade, confirmed };
  for (const effect of effects) next = carryOut(next, effect);
  const kept = [...(next.keying.attempt?.keys ?? [])];
  if (kept.length !== next.keys.size || !kept.every((material) => next.keys.has(material))) {
    throw new InvariantViolation('keys are kept after the attempt, or wiped in it');
  }
  return next;
}

/** The world as text, the same for worlds that differ only in numbers that mean nothing. */
export function fingerprint({ now, keying, edges, confirmed }: World): string {
  const names = new Map<number, number>();
  const name = (spi: number) => {
    const pair = pairOf(spi);
    if (!names.has(pair)) names.set(pair, names.size);
    return `${names.get(pair)}.${spi % 2}`;
  };
  const pair = (made: { spis: readonly number[] } | undefined) => made?.spis.map(name);
  const wait = (time: number) => Math.max(0, time - now);
  const command = (sent: KeyingCommand) =>
    sent.step === 'delete' ? ['delete', sent.inbound.map(name), sent.outbound.map(name)] : [sent.step, name(sent.spi)];
  const known = [
    pair(keying.current),
    pair(keying.attempt?.pair),
    keying.attempt?.step,
    keying.abandoned.map(pair),
    keying.rekeyWanted,
    keying.failures,
    [keying.retireNotBefore, keying.attemptNotBefore].map(wait),
    keying.ends.map((end) => [
      end.connected,
      end.ready,
      end.pending && [command(end.pending.command), wait(end.pending.deadline), end.pending.overdue],
      wait(end.deleteNotBefore),
      [...end.inbound].map(([spi, how]) => [name(spi), how]),
      [...end.outbound].map(([spi, how]) => [name(spi), how]),
    ]),
  ];
  const real = edges.map(({ inbound, outbound, session }) => [
    inbound.map(name),
    outbound.map(name),
    session && [
      session.toEdge.map((sent) => command(sent.command)),
      session.toController.map((a) => a.rejection?.rule),
    ],
  ]);
  const remembered = [...names].map(([number]) =>
    ['inbound-0', 'inbound-1', 'established'].map((what) => confirmed.has(`${what}-${number}`)),
  );
  return JSON.stringify([known, real, remembered]);
}

function carryOut(world: World, effect: KeyingEffect): World {
  if (effect.kind === 'wipe') {
    return { ...world, keys: new Set([...world.keys].filter((material) => material !== effect.keys)) };
  }
  if (effect.kind === 'disconnect') return loseSession(world, effect.side);
  if (effect.kind !== 'command') return world;
  const { session } = world.edges[effect.side];
  if (session === undefined) throw new InvariantViolation('a command to an edge without session');
  if (session.toEdge.length + session.toController.length > 0) throw new InvariantViolation('two commands at once');
  if (effect.command.step !== 'delete' && !world.keys.has(effect.command.keys)) {
    throw new InvariantViolation('a command with wiped keys');
  }
  return withEdge(world, effect.side, { session: { ...session, toEdge: [...session.toEdge, effect] } });
}

function passTime(world: World): World {
  return world.wakeAt === undefined ? world : tell({ ...world, now: world.wakeAt }, { kind: 'tick' });
}

function restartController(world: World): World {
  const edges: World['edges'] = [
    { ...world.edges[0], session: undefined },
    { ...world.edges[1], session: undefined },
  ];
  return { ...world, edges, keys: new Set(), keying: newTunnelKeying('tunnel', SPEC), wakeAt: undefined };
}

function connect(world: World, side: Side): World {
  const { inbound, outbound } = world.edges[side];
  const open = withEdge(world, side, { session: { toEdge: [], toController: [] } });
  return tell(tell(open, { kind: 'connected', side, inbound, outbound }), { kind: 'ready', side });
}

function loseSession(world: World, side: Side): World {
  if (world.edges[side].session === undefined) return world;
  return tell(withEdge(world, side, { session: undefined }), { kind: 'lost', side });
}

function obey(world: World, side: Side, answers: boolean): World {
  const { inbound, outbound, session } = world.edges[side];
  const [sent, ...toEdge] = session?.toEdge ?? [];
  if (session === undefined || sent === undefined) return world;
  const { commandId, command } = sent;
  const toController = [...session.toController, { kind: 'answered' as const, side, commandId, rejection: undefined }];
  const rest = { session: { toEdge, toController: answers ? toController : session.toController } };
  switch (command.step) {
    case 'install_inbound':
      return withEdge(world, side, { ...rest, inbound: [...inbound, command.spi] });
    case 'install_outbound':
      if (!world.confirmed.has(`inbound-${otherSide(side)}-${pairOf(command.spi)}`)) {
        throw new InvariantViolation(`outbound ${command.spi} before its inbound is confirmed`);
      }
      return withEdge(world, side, { ...rest, outbound: [...outbound, command.spi] });
    case 'delete':
      for (const spi of command.inbound) checkRetirement(world, side, spi);
      return withEdge(world, side, {
        ...rest,
        inbound: inbound.filter((spi) => !command.inbound.includes(spi)),
        outbound: outbound.filter((spi) => !command.outbound.includes(spi)),
      });
  }
}

function checkRetirement(world: World, side: Side, spi: number): void {
  if (!world.keying.wanted) return;
  if (world.edges[otherSide(side)].outbound.at(-1) === spi) {
    throw new InvariantViolation(`inbound ${spi} is deleted while the other end sends on it`);
  }
  const established = (pair: number) => world.confirmed.has(`established-${pair}`);
  const successor = Array.from({ length: world.pairsMade }, (_, pair) => pair).some(
    (pair) => pair > pairOf(spi) && established(pair),
  );
  if (established(pairOf(spi)) && !successor) {
    throw new InvariantViolation(`inbound ${spi} is deleted before both ends confirmed new outbound associations`);
  }
}

function refuse(world: World, side: Side): World {
  const { session } = world.edges[side];
  const [sent, ...toEdge] = session?.toEdge ?? [];
  if (session === undefined || sent === undefined) return world;
  const rejection = { rule: 'full', reason: 'no room' };
  const answer = { kind: 'answered' as const, side, commandId: sent.commandId, rejection };
  return withEdge(world, side, { session: { toEdge, toController: [...session.toController, answer] } });
}

function deliver(world: World, side: Side): World {
  const { session } = world.edges[side];
  const [answer, ...toController] = session?.toController ?? [];
  if (session === undefined || answer === undefined) return world;
  const command = world.keying.ends[side].pending?.command;
  const confirmed = new Set(world.confirmed);
  if (answer.rejection === undefined && command !== undefined && command.step !== 'delete') {
    confirmed.add(`${command.step === 'install_inbound' ? 'inbound' : 'outbound'}-${side}-${pairOf(command.spi)}`);
  }
  return tell(withEdge({ ...world, confirmed }, side, { session: { ...session, toController } }), answer);
}

function withEdge(world: World, side: Side, change: Partial<WorldEdge>): World {
  const changed = { ...world.edges[side], ...change };
  return { ...world, edges: side === 0 ? [changed, world.edges[1]] : [world.edges[0], changed] };
}

function isBusy(world: World): boolean {
  return world.edges.some(({ session }) => (session?.toEdge.length ?? 0) + (session?.toController.length ?? 0) > 0);
}

function pairOf(spi: number): number {
  return Math.floor((spi - FIRST_SPI) / 2);
}

const FIRST_SPI = 1000;
const MAX_STEPS = 2000;

import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import type { IkeInput } from '../../src/ike/outputs.js';
import type { IkePair, PairEnd } from '../../src/testing/pair.js';
import { type SeededRandom, seededRandom } from '../../src/testing/seeded-random.js';
import {
  agreement,
  connection,
  ESP_GCM,
  ESP_HYBRID,
  IKE_GCM,
  LEFT,
  makePair,
  prefix,
  RIGHT,
  slowToyKeyExchange,
  TWICE_HYBRID,
  toyKeyExchange,
} from './fixtures.js';

/** What one seeded schedule did, and every way in which it broke an invariant. */
export interface ScheduleResult {
  readonly seed: number;
  readonly trace: readonly string[];
  readonly problems: readonly string[];
  /** Packets under Child SAs that arrived and could be opened. */
  readonly opened: number;
  readonly datagrams: number;
}

/**
 * Two engines, one or two policies, and commands (rekeys, reauthentications) at random ends and times while datagrams are lost, delayed, doubled and
 * overtake each other. Then a good network, and what must hold when nothing is under way any more.
 *
 * In two of three schedules nothing is deleted on purpose, and packets travel under the Child SAs in both directions all
 * the time, lost, delayed and reordered like everything else: each that arrives must find the SA that opens it. In the
 * others Child SAs and IKE SAs are deleted, too, and set up on the bad network; where traffic may end, none is counted.
 *
 * In half of them both ends have MOBIKE: the addresses of one come and go, those of the other beside one that stays, and a
 * NAT in front of the initiator appears, disappears and forgets its mappings; in the end every packet must arrive.
 *
 * In every third schedule key exchanges are jobs of the hosts, which take their time: everything else goes on meanwhile.
 */
export function runSchedule(seed: number, inspect?: (pair: IkePair) => void): ScheduleResult {
  const random = seededRandom(seed * 7919);
  const deletes = random.next() < 1 / 3;
  const children = random.next() < 0.3 ? ['net', 'other'] : ['net'];
  const hybrid = random.next() < 0.4;
  const mobile = random.next() < 0.5;
  const wanderer = random.next() < 0.6 ? 'left' : 'right';
  const pair = quickPair(seed, children, { hybrid, mobile });
  const trace: string[] = [];
  const good = pair.network.conditions;
  const bad = { ...good, loss: 0.2 * random.next(), duplication: 0.2, minimumDelay: 1, maximumDelay: 60 };
  const early = deletes && !mobile;
  if (early) pair.network.conditions = bad;
  bringUp(pair, random, trace, mobile);
  pair.runFor(early ? random.next() * 4000 : 5000);
  if (!deletes) pair.trafficInterval = 7;
  pair.network.conditions = bad;
  const steps = 2 + Math.floor(random.next() * 6);
  for (let step = 0; step < steps; step++) {
    const end = random.next() < 0.5 ? pair.left : pair.right;
    const pause = random.next() < 0.6 ? random.next() * 60 : random.next() * 4000;
    if (mobile && random.next() < 0.4)
      trace.push(`${Math.round(pair.now)} ${end.name} ${wander(pair, end, end.name === wanderer, random)}`);
    else {
      const input = draw(end, children, { deletes, mobile }, random);
      trace.push(`${Math.round(pair.now)} ${end.name} ${input.kind}`);
      pair.give(end, input);
    }
    pair.runFor(pause);
  }
  pair.network.conditions = { ...good, nat: pair.network.conditions.nat };
  pair.runFor(15_000);
  pair.trafficInterval = undefined;
  pair.runFor(250_000);
  restore(pair, children);
  inspect?.(pair);
  const problems = [...problemsOf(pair, children), ...(mobile ? astray(pair) : [])];
  return { seed, trace, problems, opened: pair.opened, datagrams: pair.sent.length };
}

/** Hybrid: both IKE SAs and Child SAs are rekeyed with IKE_FOLLOWUP_KE. */
function quickPair(seed: number, children: readonly string[], { hybrid, mobile }: Variant): IkePair {
  const proposals = [hybrid ? TWICE_HYBRID : IKE_GCM];
  const configured = (side: 'left' | 'right') =>
    children.flatMap((name, index) =>
      connection(side).children.map((child) => {
        const [own, other] = side === 'left' ? [1, 2] : [2, 1];
        return {
          ...child,
          proposals: [hybrid ? ESP_HYBRID : ESP_GCM],
          name,
          local: [prefix(10, own, index)],
          remote: [prefix(10, other, index)],
        };
      }),
    );
  const random = seededRandom(seed * 104_729);
  const slow = seed % 3 === 0;
  return makePair({
    seed,
    // What the packet path takes for a change: longer and shorter than a packet does to the other end.
    sadDelay: seed % 5,
    keyExchange: slow ? slowToyKeyExchange : toyKeyExchange,
    jobDuration: () => (slow ? random.next() * 80 : 0),
    engine: { provider: nodeCryptoProvider },
    leftConnection: { proposals, children: configured('left'), ...(mobile ? MOBIKE : {}) },
    rightConnection: { proposals, children: configured('right'), ...(mobile ? MOBIKE : {}) },
  });
}

interface Variant {
  readonly hybrid: boolean;
  readonly mobile: boolean;
}

/** An end gets other addresses, or what is between them changes. Says what. */
function wander(pair: IkePair, end: PairEnd, free: boolean, random: SeededRandom): string {
  const chance = random.next();
  if (chance < 0.15) {
    const nat = random.next() < 0.3 ? undefined : natInFrontOf(pair.left.addresses[0] ?? LEFT, random);
    pair.network.conditions = { ...pair.network.conditions, nat };
    return nat === undefined ? 'loses its NAT' : 'is behind another NAT';
  }
  const homes = end === pair.left ? LEFT_HOMES : RIGHT_HOMES;
  const [first = LEFT] = homes;
  const addresses = homes.filter((address) => random.next() < 0.5 || (!free && address === first));
  const now = addresses.length === 0 ? [first] : addresses;
  pair.readdress(end, 'left-right', chance < 0.5 ? now : [...now].reverse());
  return `is at ${end.addresses.map((address) => address.join('.')).join(' and ')}`;
}

/** Only the initiator may be behind it: nobody could find a responder there. */
function natInFrontOf(inside: Uint8Array, random: SeededRandom) {
  const port = 10_000 + 100 * Math.floor(random.next() * 500);
  return { inside, outside: { address: Uint8Array.of(203, 0, 113, 77), port } };
}

/** When everything has come to rest, packets of both ends arrive. */
function astray(pair: IkePair): string[] {
  const { strayed, opened } = pair;
  const { unmapped } = pair.network;
  pair.trafficInterval = 1;
  pair.runFor(50);
  pair.trafficInterval = undefined;
  pair.runFor(50);
  const lost = pair.strayed - strayed + pair.network.unmapped - unmapped;
  if (lost > 0) return [`${lost} packets go astray, ${pair.opened - opened} arrive`];
  return pair.opened - opened < 100 ? ['packets are not sent both ways'] : [];
}

/** One end initiates, or both do, at almost the same time. */
function bringUp(pair: IkePair, random: SeededRandom, trace: string[], mobile: boolean): void {
  // With MOBIKE it matters who began: a NAT has to be in front of that one.
  const both = random.next() < 0.3 && !mobile;
  pair.give(pair.left, INITIATE);
  if (!both) return;
  pair.runFor(random.next() * 80);
  trace.push(`${Math.round(pair.now)} right initiate`);
  pair.give(pair.right, INITIATE);
}

function draw(
  end: PairEnd,
  children: readonly string[],
  { deletes, mobile }: { readonly deletes: boolean; readonly mobile: boolean },
  random: SeededRandom,
): IkeInput {
  const child = children[Math.floor(random.next() * children.length)] ?? '';
  const inboundSpi = end.sad.current(child)?.association.inboundSpi ?? 0;
  // Who begins anew must be where the other expects it: with MOBIKE the IKE SA stays.
  const chance = random.next() * (deletes ? (mobile ? 0.95 : 1) : 0.83);
  if (chance < 0.35) return { kind: 'rekey-child', inboundSpi };
  if (chance < (mobile ? 0.7 : 0.55)) return { kind: 'rekey-ike', connection: 'left-right' };
  if (chance < 0.7) return { kind: 'reauthenticate', connection: 'left-right' };
  if (chance < 0.8) return { kind: 'initiate-child', connection: 'left-right', child };
  if (chance < 0.83) return INITIATE;
  if (chance < 0.95) return { kind: 'delete-child', inboundSpi };
  return { kind: 'delete-ike', connection: 'left-right' };
}

/** What a host does that wants its policies up: asks for what is not there. */
function restore(pair: IkePair, children: readonly string[]): void {
  pair.give(pair.left, INITIATE);
  pair.runFor(5000);
  for (const child of children) pair.give(pair.left, { kind: 'initiate-child', connection: 'left-right', child });
  pair.runFor(60_000);
  // Not in the midst of asking whether the other end lives.
  const idle = () =>
    [pair.left, pair.right].every(({ engine }) => engine.associations().every((sa) => sa.lineage.idle));
  for (let tick = 0; tick < 10 && !idle(); tick++) pair.runFor(10);
}

function problemsOf(pair: IkePair, children: readonly string[]): string[] {
  const problems = [...pair.losses.map((loss) => `lost: ${loss}`)];
  const { pairs, agree } = agreement(pair);
  if (!agree) problems.push('the SADs differ');
  if (pairs !== children.length) problems.push(`${pairs} SA pairs for ${children.length} policies`);
  for (const end of [pair.left, pair.right]) {
    for (const problem of problemsAt(end)) problems.push(`${end.name}: ${problem}`);
  }
  return problems;
}

function problemsAt(end: PairEnd): string[] {
  const problems: string[] = [];
  const names = end.sad.standing().map(({ association }) => association.child);
  if (new Set(names).size !== names.length) problems.push('two SA pairs for one policy');
  for (const name of names) if (end.sad.current(name) === undefined) problems.push(`no way out for ${name}`);
  for (const entry of end.sad.installed.values()) if (entry.retired) problems.push('an SA still lingers');
  const states = end.engine.associations().map((sa) => sa.state.name);
  if (states.join() !== 'established') problems.push(`IKE SAs ${states.join()}`);
  for (const { lineage } of end.engine.associations()) {
    if (!lineage.idle) problems.push('something is under way');
    for (const { phase } of lineage.children.all) if (phase !== 'live') problems.push(`a child is ${phase}`);
  }
  for (const event of end.events) if (event.kind === 'ike-failed') problems.push(event.reason.code);
  return problems;
}

const MOBIKE = { mobike: { returnRoutability: 'before' } } as const;
const LEFT_HOMES = [LEFT, Uint8Array.of(198, 51, 100, 1), Uint8Array.of(198, 51, 100, 11)];
const RIGHT_HOMES = [RIGHT, Uint8Array.of(198, 51, 100, 2)];
const INITIATE = { kind: 'initiate', connection: 'left-right' } as const;

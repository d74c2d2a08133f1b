import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipPacket } from '../../test/support/packets.js';
import { association, plane, selector } from '../../test/support/planes.js';
import type { SecurityPolicy } from '../policy/security-policy.js';
import { createSecurityPolicyDatabase } from '../policy/spd.js';
import type { DataPlane } from './data-plane.js';

const COUNT = 5;
const ALL = Array.from({ length: COUNT }, (_, i) => i);

type End = 'a' | 'b';
const near = (end: End, i: number) => `10.${end === 'a' ? i : 100 + i}.0.0/16`;
const far = (end: End, i: number) => near(end === 'a' ? 'b' : 'a', i);

/** Entry i protects what is between network i of either end, in tunnel i. */
function original(end: End, i: number): SecurityPolicy {
  const selectors = [selector([near(end, i)], [far(end, i)])];
  return { entryId: `e${i}`, ruleId: `r${i}`, selectors, action: 'PROTECT', tunnelId: `t${i}` };
}

/** What an operator does to one entry. The others keep their ids, selectors and tunnels, not their places. */
interface Edit {
  readonly kind: 'remove' | 'restore' | 'discard' | 'widen' | 'move';
  readonly end: End;
  readonly entry: number;
  readonly place: number;
  readonly to: number;
}

function edited(policies: readonly SecurityPolicy[], edit: Edit): readonly SecurityPolicy[] {
  const others = policies.filter(({ entryId }) => entryId !== `e${edit.entry}`);
  if (edit.kind === 'remove') return others;
  const before = original(edit.end, edit.entry);
  const { entryId, ruleId, selectors } = before;
  const after: SecurityPolicy =
    edit.kind === 'restore'
      ? before
      : edit.kind === 'discard'
        ? { entryId, ruleId, selectors, action: 'DISCARD' }
        : edit.kind === 'widen'
          ? { ...before, selectors: [...selectors, selector([`10.${200 + edit.to}.0.0/16`], [])] }
          : { entryId, ruleId, selectors, action: 'PROTECT', tunnelId: `t${edit.to}` };
  return others.toSpliced(edit.place % (others.length + 1), 0, after);
}

class Edge {
  readonly end: End;
  readonly plane: DataPlane;
  policies: readonly SecurityPolicy[];

  constructor(end: End) {
    this.end = end;
    this.policies = ALL.map((i) => original(end, i));
    this.plane = plane(this.policies);
    for (const i of ALL) {
      // Every other tunnel has associations of its own selectors, as IKE would negotiate them.
      const selectors = i % 2 === 0 ? {} : { selectors: original(end, i).selectors };
      const tunnel = { tunnelId: `t${i}`, replayWindow: 64, ...selectors };
      const [out, back] = end === 'a' ? [0x1000, 0x2000] : [0x2000, 0x1000];
      this.plane.install(association('outbound', { ...tunnel, spi: out + i }), 0);
      this.plane.install(association('inbound', { ...tunnel, spi: back + i }), 0);
    }
  }

  isOriginal(i: number): boolean {
    return (
      JSON.stringify(this.policies.find(({ entryId }) => entryId === `e${i}`)) === JSON.stringify(original(this.end, i))
    );
  }

  seal(i: number): Uint8Array {
    const [source, destination] = this.end === 'a' ? [i, 100 + i] : [100 + i, i];
    const packet = ipPacket({ source: `10.${source}.0.1`, destination: `10.${destination}.0.1` });
    const out = new Uint8Array(200);
    const { verdict, length } = this.plane.protect(packet, 0, packet.length, out, 0, 1);
    expect(verdict).toBe('transmit');
    return out.slice(0, length);
  }

  open(sealed: Uint8Array) {
    const { verdict, reason } = this.plane.open(sealed, 0, sealed.length, new Uint8Array(200), 0, 1);
    return reason ?? verdict;
  }
}

const edits: fc.Arbitrary<Edit> = fc
  .tuple(
    fc.constantFrom<Edit['kind']>('remove', 'restore', 'discard', 'widen', 'move'),
    fc.constantFrom<End>('a', 'b'),
    fc.nat({ max: COUNT - 1 }),
    fc.nat({ max: COUNT }),
    fc.nat({ max: COUNT - 1 }),
  )
  .map(([kind, end, entry, place, to]) => ({ kind, end, entry, place, to }));

describe('changing policy while traffic flows (RFC 4301 section 4.4.1, Handling Changes to the SPD)', () => {
  it('touches no association, and nothing at all of entries that stay', () => {
    fc.assert(
      fc.property(fc.array(edits, { minLength: 1, maxLength: 12 }), (script) => {
        const edges = { a: new Edge('a'), b: new Edge('b') };
        const untouched = () => ALL.filter((i) => edges.a.isOriginal(i) && edges.b.isOriginal(i));
        let late: readonly (readonly [End, number, Uint8Array])[] = [];
        for (const edit of script) {
          const edge = edges[edit.end];
          const before = {
            associations: edge.plane.associations(),
            tunnels: edge.plane.tunnels(),
            policies: edge.plane.policies(),
          };
          edge.policies = edited(edge.policies, edit);
          edge.plane.installPolicy(createSecurityPolicyDatabase(edge.policies));
          expect(edge.plane.associations()).toEqual(before.associations);
          expect(edge.plane.tunnels()).toEqual(expect.arrayContaining([...before.tunnels]));
          const survivors = before.policies.filter(({ entryId }) => entryId !== `e${edit.entry}`);
          expect(edge.plane.policies()).toEqual(expect.arrayContaining(survivors));
          const stay = untouched();
          // What was sent under the old policy is still taken, once; the window remembers what it saw.
          for (const [end, entry, sealed] of late) {
            if (!stay.includes(entry)) continue;
            const receiver = edges[end === 'a' ? 'b' : 'a'];
            expect([receiver.open(sealed), receiver.open(sealed)]).toEqual(['deliver', 'replayed']);
          }
          late = stay.flatMap((i) => (['a', 'b'] as const).map((end) => [end, i, exchange(edges, end, i)] as const));
        }
      }),
      { numRuns: 150 },
    );
  });
});

/** Seals two packets that must follow each other without a gap; the later one is delivered, the earlier one returned. */
function exchange(edges: Readonly<Record<End, Edge>>, end: End, i: number): Uint8Array {
  const sender = edges[end];
  const receiver = edges[end === 'a' ? 'b' : 'a'];
  const outbound = () =>
    sender.plane.associations().find((one) => one.direction === 'outbound' && one.tunnelId === `t${i}`)?.sequence ?? 0n;
  const counted = () => sender.plane.policies().find(({ entryId }) => entryId === `e${i}`)?.packets ?? 0n;
  const [sequence, packets] = [outbound(), counted()];
  const [first, second] = [sender.seal(i), sender.seal(i)];
  expect([outbound(), counted()]).toEqual([sequence + 2n, packets + 2n]);
  expect([receiver.open(second), receiver.open(second)]).toEqual(['deliver', 'replayed']);
  return first;
}

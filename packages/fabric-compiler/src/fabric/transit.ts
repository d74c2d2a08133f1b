import { type Bitset, emptyBits, hasBit, setBit } from '../bitset.js';

/** Traffic that a relay passes on: from any of these owners to any of those. */
export interface TransitDuty {
  readonly from: Bitset;
  readonly to: Bitset;
}

/**
 * Groups "from one owner to these" so that few groups remain. Nobody sends to himself through a relay, so whether an owner
 * is among its own destinations is free to choose; the choice that more owners share is taken.
 */
export function transitDuties(pairs: ReadonlyMap<number, Bitset>, ownerCount: number): readonly TransitDuty[] {
  const variants = [...pairs]
    .sort(([left], [right]) => left - right)
    .map(([from, to]) => {
      const withItself = to.slice();
      setBit(withItself, from);
      return { from, choices: [withItself, to].map((bits) => ({ bits, key: bits.join() })) };
    });
  const uses = new Map<string, number>();
  for (const { choices } of variants) for (const { key } of choices) uses.set(key, (uses.get(key) ?? 0) + 1);
  const groups = new Map<string, TransitDuty>();
  for (const { from, choices } of variants) {
    const [first, second] = choices;
    if (first === undefined || second === undefined) continue;
    const chosen = (uses.get(second.key) ?? 0) > (uses.get(first.key) ?? 0) ? second : first;
    const group = groups.get(chosen.key) ?? { from: emptyBits(ownerCount), to: chosen.bits };
    setBit(group.from, from);
    groups.set(chosen.key, group);
  }
  return [...groups.values()];
}

export function passesOn(duties: readonly TransitDuty[], from: number, to: number): boolean {
  return duties.some((duty) => hasBit(duty.from, from) && hasBit(duty.to, to));
}

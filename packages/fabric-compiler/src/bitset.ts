/** A set of small whole numbers, one bit each. Sets that meet have the same length. */
export type Bitset = Uint32Array;

export function emptyBits(size: number): Bitset {
  return new Uint32Array((size + 31) >>> 5);
}

export function hasBit(bits: Bitset, index: number): boolean {
  return (((bits[index >>> 5] ?? 0) >>> (index & 31)) & 1) === 1;
}

export function setBit(bits: Bitset, index: number): void {
  const word = index >>> 5;
  bits[word] = (bits[word] ?? 0) | (1 << (index & 31));
}

export function clearBit(bits: Bitset, index: number): void {
  const word = index >>> 5;
  bits[word] = (bits[word] ?? 0) & ~(1 << (index & 31));
}

/** Adds every member of `from` to `into`. */
export function addBits(into: Bitset, from: Bitset): void {
  for (let word = 0; word < into.length; word += 1) into[word] = (into[word] ?? 0) | (from[word] ?? 0);
}

export function commonBits(left: Bitset, right: Bitset): Bitset {
  return left.map((word, index) => word & (right[index] ?? 0));
}

export function bitsMeet(left: Bitset, right: Bitset): boolean {
  for (let word = 0; word < left.length; word += 1) if (((left[word] ?? 0) & (right[word] ?? 0)) !== 0) return true;
  return false;
}

export function sameBits(left: Bitset, right: Bitset): boolean {
  for (let word = 0; word < left.length; word += 1) if (left[word] !== right[word]) return false;
  return left.length === right.length;
}

export function noBits(bits: Bitset): boolean {
  return bits.every((word) => word === 0);
}

/** Members in ascending order. */
export function* membersOf(bits: Bitset): Generator<number> {
  for (let word = 0; word < bits.length; word += 1) {
    let rest = bits[word] ?? 0;
    while (rest !== 0) {
      const lowest = rest & -rest;
      yield (word << 5) + 31 - Math.clz32(lowest);
      rest ^= lowest;
    }
  }
}

/** The only member; undefined when there is none, or more than one. */
export function onlyMember(bits: Bitset): number | undefined {
  const members = membersOf(bits);
  const first = members.next();
  if (first.done === true || members.next().done !== true) return undefined;
  return first.value;
}

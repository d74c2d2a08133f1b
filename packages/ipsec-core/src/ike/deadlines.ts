/**
 * Owners of timers, by their next deadline: a binary heap that knows the place of each owner, so that setting, moving and
 * removing one costs O(log n) and the earliest is at hand.
 */
export class Deadlines<Owner extends object> {
  readonly #heap: Entry<Owner>[] = [];
  readonly #places = new Map<Owner, number>();

  get size(): number {
    return this.#heap.length;
  }

  next(): number | undefined {
    return this.#heap[0]?.at;
  }

  /** The owner with the earliest deadline, when that has come. */
  due(now: number): Owner | undefined {
    const first = this.#heap[0];
    return first !== undefined && first.at <= now ? first.owner : undefined;
  }

  /** Without a deadline the owner leaves. */
  set(owner: Owner, at: number | undefined): void {
    const place = this.#places.get(owner);
    if (at === undefined) {
      if (place !== undefined) this.#remove(place);
      return;
    }
    const entry = { owner, at };
    if (place === undefined) {
      this.#heap.push(entry);
      this.#rise(this.#heap.length - 1, entry);
      return;
    }
    const before = this.#heap[place]?.at ?? at;
    if (at < before) this.#rise(place, entry);
    else this.#sink(place, entry);
  }

  #remove(place: number): void {
    const removed = this.#heap[place];
    const last = this.#heap.pop();
    if (removed === undefined || last === undefined) return;
    this.#places.delete(removed.owner);
    if (last === removed) return;
    if (last.at < removed.at) this.#rise(place, last);
    else this.#sink(place, last);
  }

  #rise(from: number, entry: Entry<Owner>): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >>> 1;
      const parent = this.#heap[above];
      if (parent === undefined || parent.at <= entry.at) break;
      this.#put(place, parent);
      place = above;
    }
    this.#put(place, entry);
  }

  #sink(from: number, entry: Entry<Owner>): void {
    let place = from;
    for (;;) {
      const left = 2 * place + 1;
      const right = left + 1;
      const [first, second] = [this.#heap[left], this.#heap[right]];
      const below = second !== undefined && first !== undefined && second.at < first.at ? right : left;
      const child = this.#heap[below];
      if (child === undefined || child.at >= entry.at) break;
      this.#put(place, child);
      place = below;
    }
    this.#put(place, entry);
  }

  #put(place: number, entry: Entry<Owner>): void {
    this.#heap[place] = entry;
    this.#places.set(entry.owner, place);
  }
}

interface Entry<Owner> {
  readonly owner: Owner;
  readonly at: number;
}

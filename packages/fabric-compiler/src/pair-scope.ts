import { type Paths, pathBetween } from './fabric/paths.js';

/** Which pairs of sites have to be looked at, when only the bundles of some sites are wanted: those whose way passes one of them. */
export class PairScope {
  readonly #wanted: Uint8Array;
  readonly #paths: Paths;
  readonly #siteCount: number;
  /** By pair of sites: whether it is known, and whether its way passes one of them. */
  readonly #ways: Uint8Array;

  /** `through`: numbers of the sites; undefined: all of them. */
  constructor(through: ReadonlySet<number> | undefined, siteCount: number, paths: Paths) {
    this.#siteCount = siteCount;
    this.#paths = paths;
    this.#wanted = Uint8Array.from({ length: siteCount }, (_, site) => Number(through?.has(site) ?? true));
    const searched = through !== undefined && paths.kind === 'routed';
    this.#ways = new Uint8Array(searched ? siteCount * siteCount : 0);
  }

  /** Without a way it is the ends that discard, and in a full mesh the ends are the way. */
  includes(from: number, to: number): boolean {
    if (this.#wanted[from] === 1 || this.#wanted[to] === 1) return true;
    if (this.#ways.length === 0) return false;
    const pair = from * this.#siteCount + to;
    const known = this.#ways[pair];
    if (known !== UNKNOWN) return known === PASSES;
    const way = pathBetween(this.#paths, from, to) ?? [];
    const passes = way.some((site) => this.#wanted[site] === 1);
    this.#ways[pair] = passes ? PASSES : ELSEWHERE;
    return passes;
  }
}

const UNKNOWN = 0;
const ELSEWHERE = 1;
const PASSES = 2;

import { createHash } from 'node:crypto';
import {
  type CompiledFabric,
  canonicalText,
  compileShared,
  type DeliveredProof,
  type DeliveryResult,
  deliverFabric,
  type EdgeBundle,
  type FabricIntent,
  type FabricProof,
  proveDelivered,
  proveFabric,
  type SharedCompileResult,
} from '@weft/fabric-compiler';

/** What was compiled and proven last, so that an edit costs what it changes. It changes no answer, only how long one takes. */
export class CompiledFabrics {
  /** By hash of the intent, the one that was used last at the end. */
  readonly #known = new Map<string, Entry>();

  /** `previous` makes it cheap when only rules differ. */
  compile(intent: FabricIntent, previous?: CompiledFabric): SharedCompileResult {
    // A revision comes back from the database with its fields in another order.
    const key = createHash('sha256').update(canonicalText(intent)).digest('base64');
    const known = this.#known.get(key);
    this.#known.delete(key);
    if (known !== undefined) {
      this.#known.set(key, known);
      return { ok: true, fabric: known.fabric, changed: [] };
    }
    const result = compileShared(intent, previous);
    if (!result.ok) return result;
    this.#known.set(key, { fabric: result.fabric, proof: undefined, delivered: undefined });
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAXIMUM_FABRICS) break;
      this.#known.delete(oldest);
    }
    return result;
  }

  /** `previous`: the fabric before it, when that was proven. */
  prove(fabric: CompiledFabric, previous?: CompiledFabric): FabricProof {
    const entry = this.#entryOf(fabric);
    const proof = entry?.proof ?? proveFabric(fabric, previous && this.#entryOf(previous)?.proof);
    if (entry !== undefined) entry.proof = proof;
    return proof;
  }

  /** What its edges are given, or those of them. */
  deliver(fabric: CompiledFabric, edgeIds?: ReadonlySet<string>): DeliveryResult {
    return deliverFabric(fabric, edgeIds);
  }

  /**
   * Whether the bundles that edges would be given are the ones that are proven. Edges of which neither bundle is another one than in
   * `previous` cost nothing; edges that are not affected by what it was edited to have what they had there.
   */
  proveDelivered(
    fabric: CompiledFabric,
    { bundles, hashes: given, affected }: Given,
    previous?: CompiledFabric,
  ): DeliveredProof {
    const entry = this.#entryOf(fabric);
    if (entry?.delivered !== undefined) return entry.delivered.proof;
    const before = previous && this.#entryOf(previous)?.delivered;
    const digests = digestsOf(fabric);
    const hashes = new Map(affected === undefined ? [] : before?.hashes);
    for (const [edgeId, hash] of given) hashes.set(edgeId, hash);
    const isSame = (edgeId: string) =>
      equal(before?.hashes.get(edgeId), hashes.get(edgeId)) && equal(before?.digests.get(edgeId), digests.get(edgeId));
    const proof = proveDelivered(bundles, fabric, (edgeId) => (isSame(edgeId) ? before?.proof.get(edgeId) : undefined));
    if (entry !== undefined) entry.delivered = { proof, hashes, digests };
    return proof;
  }

  /** Of what its edges are given, by edge, when it is known: without certificates that they must not believe. */
  deliveredHashes(fabric: CompiledFabric): ReadonlyMap<string, Uint8Array> | undefined {
    return this.#entryOf(fabric)?.delivered?.hashes;
  }

  /** Whether it is known what edges would be given of it, and what was proven of that. */
  isDelivered(fabric: CompiledFabric): boolean {
    return this.#entryOf(fabric)?.delivered !== undefined;
  }

  #entryOf(fabric: CompiledFabric): Entry | undefined {
    return [...this.#known.values()].find((entry) => entry.fabric === fabric);
  }
}

/** What edges would be given. */
interface Given {
  readonly bundles: ReadonlyMap<string, EdgeBundle>;
  /** Of the same as octets. */
  readonly hashes: ReadonlyMap<string, Uint8Array>;
  /** The edges that it is about; undefined: all. */
  readonly affected: ReadonlySet<string> | undefined;
}

interface Entry {
  readonly fabric: CompiledFabric;
  proof: FabricProof | undefined;
  delivered: KnownDelivery | undefined;
}

interface KnownDelivery {
  readonly proof: DeliveredProof;
  /** By edge: of what is delivered, and of what was proven. */
  readonly hashes: ReadonlyMap<string, Uint8Array>;
  readonly digests: ReadonlyMap<string, Uint8Array>;
}

function digestsOf({ bundles }: CompiledFabric): ReadonlyMap<string, Uint8Array> {
  return new Map(
    bundles.flatMap(({ edgeId, standbys, digest }) =>
      [edgeId, ...standbys.map((standby) => standby.edgeId)].map((id) => [id, digest] as const),
    ),
  );
}

function equal(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  return one !== undefined && other !== undefined && Buffer.compare(one, other) === 0;
}

/** Two for each tenant whose people are at work; a fabric of 1,000 sites takes some hundred mebibytes. */
const MAXIMUM_FABRICS = 6;

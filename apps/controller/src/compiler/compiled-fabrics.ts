import { createHash } from 'node:crypto';
import {
  type CompiledFabric,
  compileShared,
  type FabricIntent,
  type FabricProof,
  proveFabric,
  type SharedCompileResult,
} from '@weft/fabric-compiler';

/** What was compiled and proven last, so that an edit costs what it changes. It changes no answer, only how long one takes. */
export class CompiledFabrics {
  /** By hash of the intent, the one that was used last at the end. */
  readonly #known = new Map<string, Entry>();

  /** `previous` makes it cheap when only rules differ. */
  compile(intent: FabricIntent, previous?: CompiledFabric): SharedCompileResult {
    const key = createHash('sha256').update(JSON.stringify(intent)).digest('base64');
    const known = this.#known.get(key);
    this.#known.delete(key);
    if (known !== undefined) {
      this.#known.set(key, known);
      return { ok: true, fabric: known.fabric, changed: [] };
    }
    const result = compileShared(intent, previous);
    if (!result.ok) return result;
    this.#known.set(key, { fabric: result.fabric, proof: undefined });
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

  #entryOf(fabric: CompiledFabric): Entry | undefined {
    return [...this.#known.values()].find((entry) => entry.fabric === fabric);
  }
}

interface Entry {
  readonly fabric: CompiledFabric;
  proof: FabricProof | undefined;
}

/** Two for each tenant whose people are at work; a fabric of 1,000 sites takes some hundred mebibytes. */
const MAXIMUM_FABRICS = 6;

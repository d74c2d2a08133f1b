import { SignedBundle } from '@weft/contracts/southbound';
import { z } from 'zod';
import { AgentError, messageOf } from '../platform/agent-error.js';
import type { StateDirectory } from '../platform/state-directory.js';
import { type StateKey, StateKeyError } from '../platform/state-key.js';

/** A bundle that was in force and with which the controller was not reached. */
const CutOff = z.strictObject({ contentHash: z.string().regex(/^[0-9a-f]{64}$/), takenBackAt: z.iso.datetime() });
export type CutOff = z.infer<typeof CutOff>;

/** What the edge must never forget: the last bundle that worked, sealed, and the highest epoch it has seen. */
export class BundleStore {
  readonly #state: StateDirectory;
  readonly #key: StateKey;

  constructor(state: StateDirectory, key: StateKey) {
    this.#state = state;
    this.#key = key;
  }

  /** Last bundle that was in force. Throws BundleStoreError `bundle_damaged`, StateError. */
  async lastKnownGood(): Promise<SignedBundle | undefined> {
    const sealed = await this.#state.read(BUNDLE_FILE);
    if (sealed === undefined) return undefined;
    try {
      return SignedBundle.decode(this.#key.unseal(BUNDLE_FILE, sealed));
    } catch (error) {
      const fix = error instanceof StateKeyError ? error.fix : undefined;
      throw damaged('bundle_damaged', this.#state.file(BUNDLE_FILE), error, fix);
    }
  }

  /** Replaces it. Throws StateError. */
  async keep(bundle: SignedBundle): Promise<void> {
    await this.#state.write(BUNDLE_FILE, this.#key.seal(BUNDLE_FILE, SignedBundle.encode(bundle).finish()));
  }

  /**
   * Replaces it, and keeps the one before until it is known that the controller is reached with the new one. A power cut
   * between the two leaves the old one on trial against itself, which is no harm. Throws StateError.
   */
  async keepOnTrial(bundle: SignedBundle): Promise<void> {
    const before = await this.#state.read(BUNDLE_FILE);
    if (before !== undefined) {
      const octets = this.#key.unseal(BUNDLE_FILE, before);
      await this.#state.write(PREVIOUS_FILE, this.#key.seal(PREVIOUS_FILE, octets));
    }
    await this.keep(bundle);
  }

  /** The bundle before the one that is on trial; undefined when none is. Throws StateError, StateKeyError. */
  async previous(): Promise<SignedBundle | undefined> {
    const sealed = await this.#state.read(PREVIOUS_FILE);
    return sealed && SignedBundle.decode(this.#key.unseal(PREVIOUS_FILE, sealed));
  }

  /** The trial is over, and the last bundle stays. Throws StateError. */
  async endTrial(): Promise<void> {
    await this.#state.remove(PREVIOUS_FILE);
  }

  /** The trial is over: the bundle before is the last one again, and the other is known for what it did. Throws StateError. */
  async takeBack(previous: SignedBundle, cutOff: CutOff): Promise<void> {
    await this.#state.write(CUT_OFF_FILE, Buffer.from(`${JSON.stringify(cutOff)}\n`));
    await this.keep(previous);
    await this.endTrial();
  }

  /** The bundle that was taken back, until the controller has been told. A file that cannot be read tells nothing. */
  async cutOff(): Promise<CutOff | undefined> {
    const octets = await this.#state.read(CUT_OFF_FILE);
    if (octets === undefined) return undefined;
    try {
      return CutOff.parse(JSON.parse(octets.toString('utf8')));
    } catch {
      return undefined;
    }
  }

  /** Throws StateError. */
  async forgetCutOff(): Promise<void> {
    await this.#state.remove(CUT_OFF_FILE);
  }

  /** Highest epoch seen in a signed bundle; 0 before the first. Throws BundleStoreError `epoch_damaged`, StateError. */
  async highestEpoch(): Promise<bigint> {
    const octets = await this.#state.read(EPOCH_FILE);
    if (octets === undefined) return 0n;
    try {
      return BigInt(StoredEpoch.parse(JSON.parse(octets.toString('utf8'))).highestEpoch);
    } catch (error) {
      throw damaged('epoch_damaged', this.#state.file(EPOCH_FILE), error);
    }
  }

  /** Remembers a higher epoch. Throws StateError. */
  async raiseEpoch(epoch: bigint): Promise<void> {
    await this.#state.write(EPOCH_FILE, Buffer.from(`${JSON.stringify({ highestEpoch: epoch.toString() })}\n`));
  }
}

/** Whether a bundle was ever in force as this identity; it need not be usable. Throws StateError. */
export async function hasBundle(state: StateDirectory): Promise<boolean> {
  return (await state.read(BUNDLE_FILE)) !== undefined;
}

/** Forgets everything: a new identity has a new history. Throws StateError. */
export async function forgetBundles(state: StateDirectory): Promise<void> {
  await state.remove(BUNDLE_FILE);
  await state.remove(EPOCH_FILE);
  await state.remove(PREVIOUS_FILE);
  await state.remove(CUT_OFF_FILE);
}

/** A file of the store that cannot be read. */
export class BundleStoreError extends AgentError<'bundle_damaged' | 'epoch_damaged'> {
  override readonly name = 'BundleStoreError';
}

function damaged(
  code: BundleStoreError['code'],
  file: string,
  error: unknown,
  fix = 'restore the file from a backup, or enroll again with a new token',
): BundleStoreError {
  return new BundleStoreError(code, `${file} cannot be used: ${messageOf(error)}`, fix, { cause: error });
}

const BUNDLE_FILE = 'bundle.sealed';
const PREVIOUS_FILE = 'previous.sealed';
const CUT_OFF_FILE = 'cut-off.json';
const EPOCH_FILE = 'epoch.json';
const StoredEpoch = z.strictObject({ highestEpoch: z.string().regex(/^[0-9]{1,20}$/) });

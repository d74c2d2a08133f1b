import type { KeyObject } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { SigningKeySuccession, TrustBundle } from '@weft/contracts/southbound';
import { SerialQueue } from '../platform/serial-queue.js';
import type { StateDirectory } from '../platform/state-directory.js';
import { type Identity, parseIdentity, StoredIdentity } from './identity.js';
import { IdentityStoreError, loadStoredIdentity, storeIdentity } from './identity-store.js';
import { followSuccessions, type PinnedKey } from './signing-keys.js';
import { verifyTrustBundle } from './trust-bundle.js';

/** A key that was made here and the chain that certifies it. */
export interface RenewedCertificate {
  /** PKCS #8 PEM. */
  readonly privateKeyPem: string;
  /** PEM, edge certificate first. */
  readonly certificateChain: readonly string[];
  /** Whom to believe from now on, as the controller said with it. */
  readonly trust?: TrustBundle | undefined;
}

/**
 * The identity of the agent that runs. It changes when its certificate is renewed: on the disk first, in one file that is
 * replaced whole, so that after a power cut the old key meets the old certificate or the new one the new, and then for
 * everybody who asks.
 */
export class CurrentIdentity {
  /** For whom bundles must be, and whose signature they must have now. */
  readonly audience: Audience;
  /** The same for bundles that were stored before, when other keys were pinned. */
  readonly storedAudience: Audience;
  readonly #state: StateDirectory;
  readonly #listeners: ((identity: Identity) => void)[] = [];
  #stored: StoredIdentity;
  #value: Identity;
  /** One change at a time: each begins with what the one before has left. */
  readonly #changes = new SerialQueue(MAX_QUEUED);

  private constructor(state: StateDirectory, stored: StoredIdentity) {
    this.#state = state;
    this.#stored = stored;
    this.#value = parseIdentity(stored);
    const { tenantId, edgeId } = this.#value;
    const keys = () => this.#value.bundleSigningKeys;
    const allKeys = () => new Map([...this.#value.retiredSigningKeys, ...keys()]);
    this.audience = audience(tenantId, edgeId, keys);
    this.storedAudience = audience(tenantId, edgeId, allKeys);
  }

  /** Loads it. Throws IdentityStoreError. */
  static async open(state: StateDirectory): Promise<CurrentIdentity> {
    return new CurrentIdentity(state, await loadStoredIdentity(state));
  }

  get value(): Identity {
    return this.#value;
  }

  /** Told after every change. */
  onChange(listener: (identity: Identity) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Another key and certificate of the same edge. Throws IdentityError when they are not, TrustBundleError, IdentityStoreError when it was enrolled again meanwhile, StateError;
   * then nothing has changed.
   */
  async renew({ privateKeyPem, certificateChain, trust }: RenewedCertificate): Promise<void> {
    await this.#replace((stored) => ({
      ...stored,
      ...(trust && this.#newerTrust(trust)),
      privateKeyPem,
      certificateChain: [...certificateChain],
    }));
  }

  /**
   * Believes whom the controller says from now on. @returns whether that is news. Throws TrustBundleError, IdentityError when
   * the certificate of this edge would be under nobody, IdentityStoreError, StateError; then nothing has changed.
   */
  async followTrust(trustBundle: TrustBundle): Promise<boolean> {
    return this.#replace((stored) => {
      const newer = this.#newerTrust(trustBundle);
      return newer && { ...stored, ...newer };
    });
  }

  /**
   * Pins the successors of the bundle-signing keys that are pinned. @returns whether there are any. Throws SuccessionError,
   * IdentityStoreError, StateError; then nothing has changed.
   */
  async followSigningKeys(successions: readonly SigningKeySuccession[]): Promise<boolean> {
    return this.#replace((before) => {
      const followed = followSuccessions(this.#value.bundleSigningKeys, successions);
      if (followed === undefined) return undefined;
      const stored = ({ keyId, publicKey }: PinnedKey) => ({ keyId, publicKey: publicKey.toString('base64') });
      const retired = [...(before.retiredSigningKeys ?? []), ...followed.retired.map(stored)];
      return {
        ...before,
        bundleSigningKeys: followed.pinned.map(stored),
        retiredSigningKeys: retired.slice(-RETIRED_MAXIMUM),
      };
    });
  }

  /** Undefined when it is not newer than what is there: a controller that was restored from a backup may say older things. */
  #newerTrust(message: TrustBundle): Pick<StoredIdentity, 'trustBundle' | 'trustVersion'> | undefined {
    const { version, trustBundle } = verifyTrustBundle(message, this.#value.bundleSigningKeys);
    return version > this.#value.trustVersion ? { trustBundle: [...trustBundle], trustVersion: version } : undefined;
  }

  /** @returns whether there was something to change. */
  #replace(change: (stored: StoredIdentity) => StoredIdentity | undefined): Promise<boolean> {
    return this.#changes.run(async () => {
      const next = change(this.#stored);
      if (next !== undefined) await this.#store(next);
      return next !== undefined;
    });
  }

  async #store(changed: StoredIdentity): Promise<void> {
    const stored = StoredIdentity.parse(changed);
    const value = parseIdentity(stored);
    const found = await loadStoredIdentity(this.#state);
    if (!isDeepStrictEqual(found, this.#stored)) {
      throw new IdentityStoreError(
        'identity_replaced',
        `${this.#state.path} holds another identity than this agent runs with: the machine was enrolled again`,
        'restart the agent, so that it takes that one',
      );
    }
    await storeIdentity(this.#state, stored);
    this.#stored = stored;
    this.#value = value;
    for (const listener of this.#listeners) listener(value);
  }
}

/** Whom an edge believes, at the moment when it is asked. */
interface Audience {
  readonly tenantId: string;
  readonly edgeId: string;
  readonly bundleSigningKeys: ReadonlyMap<string, KeyObject>;
}

function audience(tenantId: string, edgeId: string, keys: () => ReadonlyMap<string, KeyObject>): Audience {
  return {
    tenantId,
    edgeId,
    get bundleSigningKeys() {
      return keys();
    },
  };
}

/** Of one bundle that is stored for ever, the key may be rotated so often. */
const RETIRED_MAXIMUM = 16;
/** A renewal, a succession and a trust bundle of one session, and those of a session or two before it. */
const MAX_QUEUED = 16;

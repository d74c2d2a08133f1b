import { AgentError, messageOf } from '../platform/agent-error.js';
import type { StateDirectory } from '../platform/state-directory.js';
import { type Identity, parseIdentity, StoredIdentity } from './identity.js';

/** What can be wrong with the stored identity. */
export type IdentityStoreErrorCode = 'not_enrolled' | 'identity_damaged' | 'identity_replaced';

/** There is no identity that can be used. */
export class IdentityStoreError extends AgentError<IdentityStoreErrorCode> {
  override readonly name = 'IdentityStoreError';
}

/** Loads the identity. Throws IdentityStoreError. */
export async function loadIdentity(state: StateDirectory): Promise<Identity> {
  return parseIdentity(await loadStoredIdentity(state));
}

/** Loads the identity as it is stored, after looking whether it can be used. Throws IdentityStoreError. */
export async function loadStoredIdentity(state: StateDirectory): Promise<StoredIdentity> {
  const content = await state.read(IDENTITY_FILE);
  if (content === undefined) {
    throw new IdentityStoreError(
      'not_enrolled',
      `${state.path} holds no identity`,
      'make an enrollment token in the console and run `weft-edge enroll` first',
    );
  }
  return usable(state, IDENTITY_FILE, content);
}

/**
 * Loads the identity that waits to take the place of the one in use; undefined when none does. Throws IdentityStoreError.
 */
export async function loadPendingIdentity(state: StateDirectory): Promise<StoredIdentity | undefined> {
  const content = await state.read(PENDING_FILE);
  return content && usable(state, PENDING_FILE, content);
}

/** Replaces the identity. */
export async function storeIdentity(state: StateDirectory, identity: StoredIdentity): Promise<void> {
  await state.write(IDENTITY_FILE, format(identity));
}

/** Stores an identity beside the one in use, which stays. */
export async function storePendingIdentity(state: StateDirectory, identity: StoredIdentity): Promise<void> {
  await state.write(PENDING_FILE, format(identity));
}

/** No error when there is none. */
export async function removePendingIdentity(state: StateDirectory): Promise<void> {
  await state.remove(PENDING_FILE);
}

function usable(state: StateDirectory, file: string, content: Buffer): StoredIdentity {
  try {
    const stored = StoredIdentity.parse(parseJson(content));
    parseIdentity(stored);
    return stored;
  } catch (error) {
    throw new IdentityStoreError(
      'identity_damaged',
      `${state.file(file)} cannot be used: ${messageOf(error)}`,
      'restore the file from a backup, or enroll again with a new token',
    );
  }
}

function format(identity: StoredIdentity): Buffer {
  return Buffer.from(`${JSON.stringify(identity, null, 2)}\n`);
}

function parseJson(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8'));
  } catch {
    // The parser's own message quotes what it read, and that may be a piece of the private key.
    throw new SyntaxError('it is not JSON');
  }
}

const IDENTITY_FILE = 'identity.json';
const PENDING_FILE = 'identity.pending.json';

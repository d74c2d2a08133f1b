import { isDeepStrictEqual } from 'node:util';
import { forgetTunnelKeys } from '../blind/tunnel-key-store.js';
import type { StoredIdentity } from '../identity/identity.js';
import {
  IdentityStoreError,
  loadPendingIdentity,
  loadStoredIdentity,
  removePendingIdentity,
  storeIdentity,
} from '../identity/identity-store.js';
import type { StateDirectory } from '../platform/state-directory.js';
import { forgetBundles } from './bundle-store.js';

/**
 * The pending identity takes the place of the one in use, and what that one was told is forgotten: another controller may
 * count its epochs from one. In this order, so that after a power cut at any moment either the one before is there with all
 * that it had, or the new one; `settleEnrollment` then does what is left. Throws IdentityStoreError, StateError.
 */
export async function takeOver(state: StateDirectory): Promise<void> {
  const pending = await loadPendingIdentity(state);
  if (pending === undefined) return;
  await storeIdentity(state, pending);
  await forgetBundles(state);
  await forgetTunnelKeys(state);
  await removePendingIdentity(state);
}

/**
 * Before anything else of the state directory is read: ends a takeover that a power cut interrupted, and takes a pending
 * identity at once where there is none that could be lost by it. Throws StateError.
 */
export async function settleEnrollment(state: StateDirectory): Promise<void> {
  const pending = await unlessUnusable(loadPendingIdentity(state));
  if (pending === undefined) return;
  const present = await unlessUnusable(loadStoredIdentity(state));
  if (present === undefined || isDeepStrictEqual(present, pending)) await takeOver(state);
}

/** What cannot be used is named by whoever needs it: the agent when it starts, or before it dials. */
async function unlessUnusable(loading: Promise<StoredIdentity | undefined>): Promise<StoredIdentity | undefined> {
  try {
    return await loading;
  } catch (error) {
    if (error instanceof IdentityStoreError) return undefined;
    throw error;
  }
}

import { hasBundle } from '../control/bundle-store.js';
import { closeNetworks } from '../control/network-steps.js';
import { NO_NETWORKS, type ProtectedNetworks, unionOfNetworks } from '../control/protected-networks.js';
import { ProtectedNetworksError, ProtectedNetworksStore } from '../control/protected-networks-store.js';
import type { OverlayNetwork } from '../network/overlay-network.js';
import type { StateDirectory } from '../platform/state-directory.js';
import { StateKey, StateKeyError } from '../platform/state-key.js';
import type { Settings } from '../settings/settings.js';

/** What says which networks are to be closed. */
export type ClosingSettings = Pick<Settings, 'stateKey' | 'protectedNetworks'>;

/** The networks of a state directory that are to be closed before there is a bundle. */
export function protectedNetworksOf(state: StateDirectory, { stateKey }: ClosingSettings): ProtectedNetworksStore {
  return new ProtectedNetworksStore(state, () => StateKey.open(stateKey));
}

/**
 * Closes what the settings name and what enrollment left, while no agent runs. A bundle, where there is one, says better what
 * is to be closed; then nothing is done. @returns how many networks are closed, and why it is not all of them.
 * Throws NetworkError, StateError.
 */
export async function closeBeforeFirstBundle(
  state: StateDirectory,
  settings: ClosingSettings,
  network: OverlayNetwork,
): Promise<{ readonly networks: number; readonly trouble: Error | undefined }> {
  if (await hasBundle(state)) return { networks: 0, trouble: undefined };
  return closeKnown(state, settings, network);
}

/** The same, whatever bundle there is: it may be of no use. */
export async function closeKnown(
  state: StateDirectory,
  settings: ClosingSettings,
  network: OverlayNetwork,
): Promise<{ readonly networks: number; readonly trouble: Error | undefined }> {
  const { stored, trouble } = await storedNetworks(protectedNetworksOf(state, settings));
  const known = unionOfNetworks([stored, { routes: settings.protectedNetworks, localNetworks: [] }]);
  if (known.routes.length > 0) await closeNetworks(network, known);
  return { networks: known.routes.length, trouble };
}

/** What cannot be read does not keep the rest open. */
async function storedNetworks(
  store: ProtectedNetworksStore,
): Promise<{ readonly stored: ProtectedNetworks; readonly trouble: Error | undefined }> {
  try {
    return { stored: (await store.load()) ?? NO_NETWORKS, trouble: undefined };
  } catch (error) {
    if (error instanceof ProtectedNetworksError || error instanceof StateKeyError)
      return { stored: NO_NETWORKS, trouble: error };
    throw error;
  }
}

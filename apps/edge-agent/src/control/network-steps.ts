import type { OverlayNetwork } from '../network/overlay-network.js';
import { closedState, type ProtectedNetworks } from './protected-networks.js';
import { type Command, reconcile } from './reconciler.js';

/** A step that the kernel's network takes, and nothing else of the agent. */
export type NetworkCommand = Exclude<Command, { readonly kind: 'bind_underlay' | 'load_policies' | 'unload_policies' }>;

/** Carries it out. Throws NetworkError. */
export function takeNetworkStep(network: OverlayNetwork, command: NetworkCommand): Promise<void> {
  switch (command.kind) {
    case 'build_fence':
      return network.buildFence(command.ranges);
    case 'remove_fence':
      return network.removeFence();
    case 'add_unreachable_routes':
      return network.addUnreachableRoutes(command.prefixes);
    case 'remove_unreachable_routes':
      return network.removeUnreachableRoutes(command.prefixes);
    case 'add_device_routes':
      return network.addDeviceRoutes(command.prefixes);
    case 'remove_device_routes':
      return network.removeDeviceRoutes(command.prefixes);
    case 'add_direct_routes':
      return network.addDirectRoutes(command.prefixes);
    case 'remove_direct_routes':
      return network.removeDirectRoutes(command.prefixes);
    case 'add_rule':
      return network.addRule(command.family);
    case 'remove_rule':
      return network.removeRule(command.family);
    case 'configure_device':
      return network.configureDevice(command.mtu);
    case 'enable_forwarding':
      return network.enableForwarding(command.family);
  }
}

/** Closes the machine for these networks while no agent runs. Throws NetworkError; what was closed then stays closed. */
export async function closeNetworks(network: OverlayNetwork, networks: ProtectedNetworks): Promise<void> {
  // The device is an agent's.
  const found = { ...(await network.read(false)), underlay: undefined, contentHash: undefined };
  for (const command of reconcile(closedState(networks, found), found)) {
    if (isNetworkCommand(command)) await takeNetworkStep(network, command);
  }
}

function isNetworkCommand(command: Command): command is NetworkCommand {
  return command.kind !== 'bind_underlay' && command.kind !== 'load_policies' && command.kind !== 'unload_policies';
}

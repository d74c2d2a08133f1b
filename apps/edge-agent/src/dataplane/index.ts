/** The packet path of an edge, in a thread of its own. */
export type { DataPlaneControl } from './data-plane-control.js';
export { DataPlaneThread } from './data-plane-thread.js';
export type { DataPlaneSnapshot, LoadedPolicies, PacketPathReport, TunnelRemote } from './messages.js';
export { DataPlaneError, DataPlaneRefusal } from './plane-error.js';

/** The packet path of an edge, in a thread of its own. */
export { type DataPlaneControl, DataPlaneError, DataPlaneRefusal, DataPlaneThread } from './data-plane-thread.js';
export type { DataPlaneSnapshot, LoadedPolicies, PacketPathReport, TunnelRemote } from './messages.js';

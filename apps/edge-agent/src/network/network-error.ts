import { AgentError } from '../platform/agent-error.js';

/** Why the kernel, or a program that speaks with it, did not do what we asked. */
export type NetworkErrorCode =
  | 'ip_missing'
  | 'ip_refused'
  | 'ip_unreadable'
  | 'nft_missing'
  | 'nft_refused'
  | 'nft_unreadable'
  | 'statistics_unreadable'
  | 'sysctl_refused';

/** A change of the machine's network failed. */
export class NetworkError extends AgentError<NetworkErrorCode> {
  override readonly name = 'NetworkError';
}

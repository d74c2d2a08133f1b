/** IKEv2 on a machine: sockets, timers, keys and certificates around the engine of ipsec-core. */
export { ChildSaInstaller, type ChildSaPlane, ChildSaRefusal } from './child-sa-installer.js';
export type { ChildProtection } from './child-sa-parameters.js';
export { authoritiesAbove, authorityHash } from './credentials/authority.js';
export { type Certificate, parseCertificate } from './credentials/certificate.js';
export {
  type CredentialMeans,
  type JobMeans,
  type PeerTrust,
  runCredentialJob,
  runJob,
} from './credentials/job-runner.js';
export { algorithmsOf } from './credentials/signature.js';
export { IkeHost, type IkeHostDropReason, type IkeHostParts } from './ike-host.js';
export { rehearseIke } from './ike-rehearsal.js';
export { IkeSockets } from './ike-sockets.js';
export type { DatagramListener, IkeTransport } from './ike-transport.js';
export { KeyExchangeThreads, type KeyExchangeThreadsOptions } from './key-exchange/key-exchange-threads.js';

export type { KeyingCrypto } from './half.js';
export { MAX_KEY_SHARE_OCTETS } from './key-share-message.js';
export type { Alarm, InstalledAssociation, KeyingInput, KeyingOutput } from './outputs.js';
export { describeRefusal, type Refusal } from './refusal.js';
export { parseState, type StoredState } from './stored-state.js';
export { roleOf, type Suite, type TunnelTerms } from './terms.js';
export { TunnelKeying } from './tunnel-keying.js';

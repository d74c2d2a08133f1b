// Must be refused by the linter: the keys of relayed shares are made without IKE.
export * from '../ike/engine.js';

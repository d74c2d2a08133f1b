// Must be refused by the linter: wire may not import crypto.
export * from '../crypto/provider.js';

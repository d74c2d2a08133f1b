// Must be refused by the linter: policy may not import ike.
export * from '../ike/index.js';

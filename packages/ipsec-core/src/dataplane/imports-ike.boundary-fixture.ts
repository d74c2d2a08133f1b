// Must be refused by the linter: dataplane and ike never import each other.
export * from '../ike/engine.js';

// Must be refused by the linter: ike and dataplane never import each other.
export * from '../dataplane/data-plane.js';

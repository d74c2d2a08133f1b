// Must be refused by the linter: policy may not import dataplane.
export * from '../dataplane/data-plane.js';

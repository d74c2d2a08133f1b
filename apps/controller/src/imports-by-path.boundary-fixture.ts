// Must be refused by the linter: projects are imported by name.
export * from '../../../packages/contracts/src/southbound.js';

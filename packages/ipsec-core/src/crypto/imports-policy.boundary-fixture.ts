// Must be refused by the linter: crypto may not import policy.
export * from '../policy/spd.js';

// Must be refused by the linter: explaining builds on the proof, not the other way round.
export * from '../explain/explain-packet.js';

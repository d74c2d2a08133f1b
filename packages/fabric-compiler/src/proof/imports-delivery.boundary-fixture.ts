// Must be refused by the linter: what is delivered is read by the proof, and not with the code that wrote it.
export * from '../delivery/deliver-fabric.js';

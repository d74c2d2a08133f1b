// Must be refused by the linter: the compiler knows nothing of the proof that its work is held against.
export * from '../proof/prove-fabric.js';

// Must be refused by the linter: the relay of key shares can make nothing of them.
export * from '../keying/keying-material.js';

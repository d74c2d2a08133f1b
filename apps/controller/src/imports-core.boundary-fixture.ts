// Must be refused by the linter: the controller reaches the engine through fabric-compiler.
export * from '@weft/ipsec-core';

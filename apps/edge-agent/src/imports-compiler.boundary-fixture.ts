// Must be refused by the linter: the edge agent may not import fabric-compiler.
export * from '@weft/fabric-compiler';

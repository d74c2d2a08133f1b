// Must be refused by the linter: tools drive the public API.
export * from '@weft/controller';

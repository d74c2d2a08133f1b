// Must be refused by the linter: the console takes the REST half of contracts.
export * from '@weft/contracts/southbound';

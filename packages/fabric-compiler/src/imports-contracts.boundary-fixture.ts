// Must be refused by the linter: fabric-compiler may import ipsec-core only.
export * from '@weft/contracts/southbound';

// Must be refused by the linter: linux-io may import ipsec-core only.
export * from '@weft/contracts/southbound';

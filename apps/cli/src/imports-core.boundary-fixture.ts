// Must be refused by the linter: the command line knows the fabric by its REST contract alone.
export * from '@weft/ipsec-core';

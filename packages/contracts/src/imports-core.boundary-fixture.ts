// Must be refused by the linter: contracts imports no other project.
export * from '@weft/ipsec-core';

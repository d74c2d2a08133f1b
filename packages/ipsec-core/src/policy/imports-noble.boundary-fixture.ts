// Must be refused by the linter: only crypto may import an npm package.
export * from '@noble/ciphers/aes.js';

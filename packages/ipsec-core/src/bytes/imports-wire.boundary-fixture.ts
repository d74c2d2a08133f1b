// Must be refused by the linter: bytes may import nothing else.
export * from '../wire/ip/ipv4.js';

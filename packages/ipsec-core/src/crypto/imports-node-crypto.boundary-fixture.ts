// Must be refused by the linter: crypto may import @noble/* only.
export * from 'node:crypto';

// Must be refused by the linter: what is compiled depends on the intent, not on the time.
export const compiledAt = Date.now();

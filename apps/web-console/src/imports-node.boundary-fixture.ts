// Must be refused by the linter: the console runs in a browser.
export * from 'node:fs';

// Must be refused by the linter: the provider imports node:crypto and the engine only.
export * from 'koffi';

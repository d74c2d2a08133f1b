import { readFileSync } from 'node:fs';

/** What the agent's first line has Node do: whoever starts it by `node` does as that line says. */
export const NODE_OPTIONS: readonly string[] =
  /^#!\/usr\/bin\/env -S node (.+)$/m
    .exec(readFileSync(new URL('../../src/main.ts', import.meta.url), 'utf8'))?.[1]
    ?.split(' ') ?? [];

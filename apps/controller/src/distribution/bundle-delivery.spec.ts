import { describe, expect, it } from 'vitest';
import { shouldPush } from './bundle-delivery.js';

const [OLD, NEW] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];

describe('shouldPush', () => {
  it.each([
    ['nothing desired', undefined, undefined, undefined, undefined, false],
    ['a first bundle', NEW, undefined, undefined, undefined, true],
    ['another bundle than the one that runs', NEW, OLD, undefined, undefined, true],
    ['the bundle that runs', NEW, Uint8Array.from(NEW), undefined, undefined, false],
    ['a push under way', NEW, undefined, OLD, undefined, false],
    ['the bundle that was refused', NEW, OLD, undefined, NEW, false],
    ['another one than was refused', NEW, undefined, undefined, OLD, true],
  ])('decides about %s', (_, desiredHash, runningHash, awaitedHash, rejectedHash, wanted) => {
    expect(shouldPush({ desiredHash, runningHash, awaitedHash, rejectedHash })).toBe(wanted);
  });
});

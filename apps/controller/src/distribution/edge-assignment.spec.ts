import { describe, expect, it } from 'vitest';
import { type EdgeAssignment, newestAssignment } from './edge-assignment.js';

const READ = assignment(3n);

describe('newestAssignment', () => {
  it('is what was read when nothing happened meanwhile', () => {
    const before = assignment(2n);
    expect(newestAssignment(READ, before, before)).toBe(READ);
    expect(newestAssignment(READ, undefined, undefined)).toBe(READ);
  });

  it('keeps what the edge answered meanwhile, also when it took something back', () => {
    const rejection = { hash: Buffer.alloc(32), path: 'tunnels', rule: 'too_many', reason: 'no room' };
    const { applied, ...rest } = newestAssignment(READ, assignment(3n), { ...assignment(3n), rejection });
    expect({ applied, rejection: rest.rejection }).toEqual({ applied: undefined, rejection });
  });

  it.each([
    [42n, 3n, 42n],
    [2n, 3n, 3n],
  ])('with generation %s in memory and %s read is of generation %s', (inMemory, read, wanted) => {
    expect(newestAssignment(assignment(read), assignment(1n), assignment(inMemory)).desired.generation).toBe(wanted);
  });
});

function assignment(generation: bigint): EdgeAssignment {
  const desired = { revision: 1, generation, hash: Buffer.alloc(32, 1), octets: Buffer.alloc(0), bundle: {} as never };
  return {
    tenantId: 'tenant',
    edgeId: 'edge',
    desired,
    applied: undefined,
    rejection: undefined,
    removalAgreedBy: undefined,
  };
}

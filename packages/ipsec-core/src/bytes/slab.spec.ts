import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Secret } from './secret.js';
import { Slab } from './slab.js';

describe('slab', () => {
  it('gives everybody room of his own, of the length asked for, and zeroed', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(300), { maxLength: 60 }), (lengths) => {
        const slab = new Slab();
        const rooms = lengths.map((length, index) => {
          const room = slab.room(length);
          expect(room).toEqual(new Uint8Array(length));
          return room.fill(1 + (index % 255));
        });
        expect(rooms).toEqual(lengths.map((length, index) => new Uint8Array(length).fill(1 + (index % 255))));
      }),
    );
  });

  it('copies, also a Buffer', () => {
    const original = Buffer.of(1, 2, 3);
    const copy = new Slab().copy(original);
    original.fill(9);
    expect(copy).toEqual(Uint8Array.of(1, 2, 3));
  });

  it('has many strings in one ArrayBuffer, and what is long in one of its own', () => {
    const slab = new Slab();
    expect(buffersOf(Array.from({ length: 64 }, () => slab.room(16)))).toBe(1);
    const long = slab.room(129);
    expect(long.buffer.byteLength).toBe(129);
    // A slab that has one string to keep keeps a kibibyte, not more.
    expect(slab.room(1).buffer.byteLength).toBe(1024);
  });

  it('keeps secrets beside secrets: wiping one leaves the others', () => {
    const secrets = Array.from({ length: 64 }, (_, index) => new Secret(new Uint8Array(32).fill(index + 1)));
    const octets = secrets.map((secret) => secret.reveal((inner) => inner));
    expect(buffersOf(octets)).toBeLessThanOrEqual(3);
    for (const secret of secrets.filter((_, index) => index % 2 === 0)) secret.wipe();
    expect(octets).toEqual(octets.map((_, index) => new Uint8Array(32).fill(index % 2 === 0 ? 0 : index + 1)));
  });
});

function buffersOf(all: readonly Uint8Array[]): number {
  return new Set(all.map(({ buffer }) => buffer)).size;
}

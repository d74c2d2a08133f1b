import { describe, expect, it } from 'vitest';
import { connection, HYBRID, IKE_GCM, LEFT, RIGHT } from '../../test/ike/fixtures.js';
import { Connections } from './connections.js';

const remote = { address: LEFT, port: 500 };

describe('connections', () => {
  it('give a peer that has not said who it is each list of proposals once, those of its address first', () => {
    const anywhere = Array.from({ length: 3000 }, (_unused, number) =>
      connection('right', {
        name: `anywhere ${number}`,
        remote: undefined,
        proposals: number % 2 === 0 ? [[...HYBRID]] : [[...IKE_GCM]],
      }),
    );
    const there = connection('right', { name: 'there', proposals: [[...IKE_GCM]] });
    const connections = new Connections([...anywhere, there]);
    const names = (address: Uint8Array) => connections.suitesFor({ address, port: 500 }).map(({ name }) => name);
    expect(names(LEFT)).toEqual(['there', 'anywhere 0', 'anywhere 1']);
    expect(names(RIGHT)).toEqual(['anywhere 0', 'anywhere 1']);
    expect(connections.admitting(remote)).toHaveLength(3001);
    connections.replace([there]);
    expect(names(RIGHT)).toEqual([]);
  });
});

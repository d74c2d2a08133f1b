import { readFileSync } from 'node:fs';
import { EdgeEventKind } from '@weft/contracts/southbound';
import { describe, expect, it } from 'vitest';
import { EVENT_KINDS, eventKindName } from './edge-event-kinds.js';

const numbers = Object.values(EdgeEventKind).filter((value): value is EdgeEventKind => typeof value === 'number');
const documented = readFileSync(new URL('../../../../docs/operations.md', import.meta.url), 'utf8');

describe('the kinds of events', () => {
  it('are those of the southbound contract, each with its own name', () => {
    const sent = numbers.filter((kind) => kind > EdgeEventKind.EDGE_EVENT_KIND_UNSPECIFIED);
    expect(sent.map(eventKindName)).toEqual(EVENT_KINDS.slice(1));
    expect(eventKindName(EdgeEventKind.EDGE_EVENT_KIND_UNSPECIFIED)).toBe('unknown');
    expect(eventKindName(4711 as EdgeEventKind)).toBe('unknown');
  });

  it('are in docs/operations.md, and nothing else is', () => {
    const [, table = ''] = /<!-- events -->([\s\S]*?)<!-- end -->/.exec(documented) ?? [];
    expect([...table.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, kind]) => kind)).toEqual(EVENT_KINDS.slice(1));
  });
});

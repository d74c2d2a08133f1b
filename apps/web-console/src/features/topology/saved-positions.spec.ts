import { expect, it } from 'vitest';
import { parsePositions } from './saved-positions.js';

it('reads positions and leaves out whatever else stands there', () => {
  expect(parsePositions('{"a":{"x":1,"y":-2},"b":{"x":"1","y":2},"c":null,"d":{"x":1}}')).toEqual({
    a: { x: 1, y: -2 },
  });
  for (const text of [null, '', 'null', '[]', '7', '{"a":']) expect(parsePositions(text)).toEqual({});
});

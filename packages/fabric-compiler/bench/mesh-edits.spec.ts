import { expect, it } from 'vitest';
import { compileShared } from '../src/fabric/compile-shared.js';
import { EDIT_ROUNDS, MESH_EDITS } from './mesh-edits.js';
import { meshIntent } from './mesh-intent.js';

it.each(Object.entries(MESH_EDITS))(
  'the edit "%s" can be made of the smallest mesh of the curve, in each round',
  (_, edit) => {
    const intent = meshIntent(100, 200);
    const before = compileShared(intent);
    if (!before.ok) throw new Error(JSON.stringify(before.problems));
    for (let round = 0; round < EDIT_ROUNDS; round += 1) {
      const after = compileShared(edit(intent, round, 200), before.fabric);
      expect(after.ok ? [] : after.problems).toEqual([]);
      if (after.ok && round > 0) expect(after.changed.length).toBeGreaterThan(0);
    }
  },
);

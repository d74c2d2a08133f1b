import type { ReactNode } from 'react';
import type { Tunnel } from '../../../api/index.js';
import { StateMark } from '../../../ui/StateMark.js';
import { keysOf } from '../keys.js';

/** What made the keys of a tunnel, and under it whether recorded traffic outlasts a quantum computer. */
export function TunnelKeysMark({ tunnel }: { readonly tunnel: Tunnel }): ReactNode {
  const { madeWith, strength } = keysOf(tunnel);
  return (
    <>
      <div className={strength === undefined ? 'w-line w-dim' : 'w-line'}>{madeWith}</div>
      {strength !== undefined && (
        <div className="w-line">
          <StateMark tone={strength.tone} label={strength.label} />
        </div>
      )}
    </>
  );
}

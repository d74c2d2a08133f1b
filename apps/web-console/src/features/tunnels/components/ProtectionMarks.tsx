import type { ReactNode } from 'react';
import type { Tunnel } from '../../../api/index.js';
import { StateMark } from '../../../ui/StateMark.js';
import { protectionMarks } from '../protection.js';

/** Beside the name of a tunnel, where a narrow window shows it as well: that it is not encrypted, or from host to host. */
export function ProtectionMarks({ tunnel }: { readonly tunnel: Tunnel }): ReactNode {
  return protectionMarks(tunnel).map(({ tone, label }) => (
    <div key={label} className="w-row-mark">
      <StateMark tone={tone} label={label} />
    </div>
  ));
}

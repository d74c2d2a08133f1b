import type { ReactNode } from 'react';
import type { Tunnel } from '../../../api/index.js';
import { StateMark } from '../../../ui/StateMark.js';
import { protectionOf } from '../protection.js';

/** What of its packets is protected: of every tunnel, so that one that is not encrypted is not told by what is missing. */
export function TunnelProtection({ tunnel }: { readonly tunnel: Tunnel }): ReactNode {
  const { protocol, mode, meaning } = protectionOf(tunnel);
  return (
    <div className="w-tunnel-protection">
      <StateMark {...protocol} />
      <StateMark {...mode} />
      <span className="w-dim">{meaning}</span>
    </div>
  );
}

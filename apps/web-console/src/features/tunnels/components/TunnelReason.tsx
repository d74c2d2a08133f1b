import type { ReactNode } from 'react';
import type { Tunnel } from '../../../api/index.js';
import { isWell } from '../directions.js';

/** Why a tunnel is not up, if it is not: as a warning only where something is wrong. */
export function TunnelReason({ tunnel }: { readonly tunnel: Tunnel }): ReactNode {
  if (tunnel.reason === null) return null;
  return <p className={isWell(tunnel) ? 'w-flush w-dim w-small' : 'w-reason'}>{tunnel.reason}</p>;
}

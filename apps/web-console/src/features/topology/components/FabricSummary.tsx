import type { ReactNode } from 'react';
import { formatBitRate } from '../../../lib/format-quantity.js';
import { type Tone, ToneIcon } from '../../../ui/StateMark.js';
import { isWell, totalRate, wellText } from '../../tunnels/directions.js';
import type { Fabric } from './FabricGraph.js';

/** The fabric in one line. */
export function FabricSummary({ fabric: { edges, tunnels } }: { readonly fabric: Fabric }): ReactNode {
  const throughput = tunnels.reduce((sum, tunnel) => sum + totalRate(tunnel), 0);
  return (
    <div className="w-fabric-summary">
      <Share good={edges.filter(({ live }) => live.connected).length} all={edges.length} label="edges connected" />
      <Share good={edges.filter(({ live }) => live.inSync).length} all={edges.length} label="in sync" />
      <Share good={tunnels.filter(isWell).length} all={tunnels.length} label={wellText(tunnels)} />
      <span>
        <b className="w-numeric">{formatBitRate(throughput)}</b> throughput
      </span>
    </div>
  );
}

interface ShareProps {
  readonly good: number;
  readonly all: number;
  readonly label: string;
}

function Share({ good, all, label }: ShareProps): ReactNode {
  const tone: Tone = all === 0 ? 'idle' : good === all ? 'up' : good === 0 ? 'down' : 'warning';
  return (
    <span className="w-state">
      <ToneIcon tone={tone} size={15} />
      <span>
        <b className="w-numeric">
          {good}/{all}
        </b>{' '}
        {label}
      </span>
    </span>
  );
}

import type { ReactNode } from 'react';
import type { BundleReference, Edge } from '../../../api/index.js';
import { formatEndpoint } from '../../../lib/format-endpoint.js';
import { formatCount, formatPackets } from '../../../lib/format-quantity.js';
import { Fact, Facts } from '../../../ui/Facts.js';
import { RelativeTime } from '../../../ui/RelativeTime.js';
import { ToneIcon } from '../../../ui/StateMark.js';
import type { SeenAt } from '../../tunnels/seen-at.js';
import { certificateEndsSoon } from '../condition.js';
import { uplinksOf } from '../uplinks.js';

/** Who the edge is and how it is reached. */
export function EdgeIdentityFacts({
  edge,
  seen,
}: {
  readonly edge: Edge;
  /** Where its peers meet it. */
  readonly seen: readonly SeenAt[];
}): ReactNode {
  const { live } = edge;
  const endsSoon = certificateEndsSoon(live);
  return (
    <Facts>
      <Fact name={edge.otherUnderlayAddresses.length === 0 ? 'Underlay' : 'Uplinks'}>
        {uplinksOf(edge, seen).map(({ endpoint, inUse }) => (
          <div key={endpoint}>
            <code>{endpoint}</code>
            {inUse && edge.otherUnderlayAddresses.length > 0 && <span className="w-dim"> in use</span>}
          </div>
        ))}
      </Fact>
      {seen.length > 0 && (
        <Fact name="Peers meet it at">
          {seen.map((place) => (
            <div key={formatEndpoint(place)}>
              <code>{formatEndpoint(place)}</code>
              {place.behindNat && <span className="w-dim"> the outside of a NAT</span>}
            </div>
          ))}
        </Fact>
      )}
      <Fact name="Connected">
        {live.connected ? <RelativeTime at={live.connectedSince} /> : <span className="w-dim">not now</span>}
      </Fact>
      <Fact name="Agent">{live.agentVersion ?? <span className="w-dim">unknown</span>}</Fact>
      <Fact name="Enrolled">
        <RelativeTime at={live.enrolledAt} absent="not yet" />
      </Fact>
      {edge.revocation !== null && (
        <Fact name="Revoked">
          <RelativeTime at={edge.revocation.revokedAt} /> <span className="w-dim">{edge.revocation.reason}</span>
        </Fact>
      )}
      <Fact name="Certificate">
        {live.certificateNotAfter === null ? (
          <span className="w-dim">none yet</span>
        ) : (
          <span className="w-state">
            {endsSoon && <ToneIcon tone="warning" />}
            <span>
              ends <RelativeTime at={live.certificateNotAfter} />
            </span>
          </span>
        )}
      </Fact>
    </Facts>
  );
}

/** What it should run and what it runs. */
export function EdgeBundleFacts({ edge }: { readonly edge: Edge }): ReactNode {
  return (
    <Facts>
      <Fact name="Should run">
        <Bundle bundle={edge.live.desired} absent="nothing published" />
      </Fact>
      <Fact name="Runs">
        <Bundle bundle={edge.live.applied} absent="nothing known" />
      </Fact>
    </Facts>
  );
}

function Bundle({ bundle, absent }: { readonly bundle: BundleReference | null; readonly absent: string }): ReactNode {
  if (bundle === null) return <span className="w-dim">{absent}</span>;
  return (
    <span>
      Revision {bundle.revision}, generation {formatCount(bundle.generation)}{' '}
      <code className="w-dim" title={bundle.hash}>
        {bundle.hash.slice(0, 10)}
      </code>
    </span>
  );
}

/** Packets that the edge discarded, by reason, most first. */
export function EdgeDrops({ edge }: { readonly edge: Edge }): ReactNode {
  const drops = edge.live.drops.filter(({ packets }) => packets > 0).sort((a, b) => b.packets - a.packets);
  if (drops.length === 0) return <p className="w-none">It has discarded nothing since it started.</p>;
  return (
    <Facts>
      {drops.map(({ reason, packets }) => (
        <Fact key={reason} name={reason.replaceAll('_', ' ')}>
          {formatPackets(packets)}
        </Fact>
      ))}
    </Facts>
  );
}

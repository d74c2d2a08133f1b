import type { ReactNode } from 'react';
import type { ExternalPeer, Tunnel } from '../../../api/index.js';
import { formatBitRate, formatCount } from '../../../lib/format-quantity.js';
import { Fact, Facts } from '../../../ui/Facts.js';
import { LinkButton } from '../../../ui/LinkButton.js';
import { StateMark } from '../../../ui/StateMark.js';
import { DirectionFacts } from '../../tunnels/components/TunnelDetail.js';
import { TunnelKeysMark } from '../../tunnels/components/TunnelKeysMark.js';
import { TunnelReason } from '../../tunnels/components/TunnelReason.js';
import { directionsOf } from '../../tunnels/directions.js';
import { useNamingRules } from '../use-naming-rules.js';
import { nounOf, tunnelMark } from '../wording.js';

/** How the tunnel with a peer is, or what it takes that there is one. */
export function PeerTunnel({
  peer,
  tunnel,
}: {
  readonly peer: ExternalPeer;
  readonly tunnel: Tunnel | undefined;
}): ReactNode {
  if (tunnel === undefined) return <NoTunnel peer={peer} />;
  return (
    <>
      <TunnelReason tunnel={tunnel} />
      <Facts>
        <Fact name="State">
          <StateMark {...tunnelMark(tunnel)} />
        </Fact>
        <Fact name="Keys by">
          <TunnelKeysMark tunnel={tunnel} />
        </Fact>
        <Fact name="Rekeys">{formatCount(tunnel.rekeys)}</Fact>
        {directionsOf(tunnel).map(({ from, to, traffic }) => (
          <Fact key={from.deviceId} name={`To ${to.device}`}>
            {formatBitRate(traffic.bytesPerSecond)}
          </Fact>
        ))}
      </Facts>
      <div className="w-peer-directions">
        {directionsOf(tunnel).map((direction) => (
          <DirectionFacts key={direction.from.deviceId} direction={direction} />
        ))}
      </div>
      <LinkButton to="/tunnels" search={{ tunnel: tunnel.id }} variant="default" mt="md">
        Rates over time
      </LinkButton>
    </>
  );
}

function NoTunnel({ peer }: { readonly peer: ExternalPeer }): ReactNode {
  const rules = useNamingRules(peer);
  if (rules === undefined) return null;
  return rules.length > 0 ? (
    <>
      <p className="w-none">None yet. It comes with the next revision that you publish.</p>
      <LinkButton to="/revisions" variant="light" size="compact-sm">
        Go to revisions
      </LinkButton>
    </>
  ) : (
    <>
      <p className="w-none">
        None. A rule that protects traffic with this {nounOf(peer)} makes one, once it is published.
      </p>
      <LinkButton to="/policies" variant="light" size="compact-sm">
        Go to policies
      </LinkButton>
    </>
  );
}

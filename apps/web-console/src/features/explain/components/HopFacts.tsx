import type { ReactNode } from 'react';
import type { ExplainedHop, SpdEntry } from '../../../api/index.js';
import { Fact, Facts } from '../../../ui/Facts.js';
import { describeTunnelStart } from '../../fabric/tunnel-start.js';
import { addressesText, arithmeticText, cipherText, endpointText, protectionText } from '../wording.js';

/** One tunnel on the way: the SPD entries at both ends, its association, and what the packet becomes on the underlay. */
export function HopFacts({ hop }: { readonly hop: ExplainedHop }): ReactNode {
  const { from, to, outbound, inbound, association, encapsulation } = hop;
  const { local, remote, ike, tunnelStart } = association;
  return (
    <section className="w-hop" aria-label={`Tunnel from ${from.name} to ${to.name}`} data-hop={from.name}>
      <h2>
        {from.name} → {to.name}
      </h2>
      <Facts>
        <EntryFact end={from} side="outbound" entry={outbound} />
        <EntryFact end={to} side="inbound" entry={inbound} />
        <Fact name="Keys">
          {ike === null
            ? 'Made by the controller'
            : `IKEv2 between ${association.localIdentity} and ${association.remoteIdentity}; renewed after ${ike.childLifetimeSeconds} s`}
        </Fact>
        {tunnelStart !== null && <Fact name="Tunnel">{describeTunnelStart(tunnelStart)}</Fact>}
        {association.profile !== null && <Fact name="Profile">{association.profile.name}</Fact>}
        <Fact name="Association">{cipherText(association)}</Fact>
        <Fact name="Underlay">
          {`${endpointText(local)} → ${endpointText(remote)}, ${protectionText(association)}`}
        </Fact>
        <Fact name="Largest packet">{arithmeticText(encapsulation, association)}</Fact>
      </Facts>
    </section>
  );
}

interface EntryFactProps {
  readonly end: ExplainedHop['from'];
  readonly side: 'outbound' | 'inbound';
  readonly entry: SpdEntry | null;
}

function EntryFact({ end, side, entry }: EntryFactProps): ReactNode {
  return (
    <Fact name={entry === null ? `SPD of ${end.name}` : `SPD of ${entry.edge.name}, ${side}`}>
      {entry === null ? 'Its SPD is not ours: it is an external peer' : <Entry entry={entry} />}
    </Fact>
  );
}

function Entry({ entry }: { readonly entry: SpdEntry }): ReactNode {
  const { position, action, direction, local, remote, services } = entry;
  return (
    <>
      Entry {position}, {action}: {addressesText(local)} {direction === 'opens' ? '→' : '←'} {addressesText(remote)},{' '}
      {services.join(', ')}
    </>
  );
}

import type { ReactNode } from 'react';
import type { ExplainedHop, SpdEntry } from '../../../api/index.js';
import { Fact, Facts } from '../../../ui/Facts.js';
import { describeTunnelStart } from '../../fabric/tunnel-start.js';
import { addressesText, arithmeticText, cipherText, protectionText } from '../wording.js';

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
        <Fact name={`SPD of ${outbound.edge.name}, outbound`}>
          <Entry entry={outbound} />
        </Fact>
        <Fact name={inbound === null ? `SPD of ${to.name}` : `SPD of ${inbound.edge.name}, inbound`}>
          {inbound === null ? 'Its SPD is not ours: it is an external peer' : <Entry entry={inbound} />}
        </Fact>
        <Fact name="Keys">
          {ike === null
            ? 'Made by the controller'
            : `IKEv2 between ${association.localIdentity} and ${association.remoteIdentity}; renewed after ${ike.childLifetimeSeconds} s`}
        </Fact>
        {tunnelStart !== null && <Fact name="Tunnel">{describeTunnelStart(tunnelStart)}</Fact>}
        {association.profile !== null && <Fact name="Profile">{association.profile.name}</Fact>}
        <Fact name="Association">{cipherText(association)}</Fact>
        <Fact name="Underlay">
          {`${local.address} port ${local.port} → ${remote === null ? 'wherever the host is' : `${remote.address} port ${remote.port}`}, ${protectionText(association)}`}
        </Fact>
        <Fact name="Largest packet">{arithmeticText(encapsulation, association)}</Fact>
      </Facts>
    </section>
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

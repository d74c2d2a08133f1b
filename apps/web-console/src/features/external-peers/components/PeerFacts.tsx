import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { ExternalPeer, Tunnel } from '../../../api/index.js';
import { formatEndpoint } from '../../../lib/format-endpoint.js';
import { Fact, Facts } from '../../../ui/Facts.js';
import { RelativeTime } from '../../../ui/RelativeTime.js';
import { addressPoolsQuery } from '../../address-pools/queries.js';
import { useTenantId } from '../../session/use-tenant.js';
import { useNamingRules } from '../use-naming-rules.js';
import { espProposalText, ikeProposalText, isRemoteHost, proofText } from '../wording.js';

interface PeerIdentityProps {
  readonly peer: ExternalPeer;
  readonly site: string;
  /** Says where a host is now. */
  readonly tunnel: Tunnel | undefined;
}

/** Where a peer is, what is behind it or assigned to it, what it calls itself, and how it proves that. */
export function PeerIdentity({ peer, site, tunnel }: PeerIdentityProps): ReactNode {
  const { identity, localIdentity, certificates = [], updatedAt } = peer;
  return (
    <Facts>
      <Fact name="Site">{site}</Fact>
      {isRemoteHost(peer) ? <HostPlace peer={peer} tunnel={tunnel} /> : <GatewayPlace peer={peer} />}
      <Fact name="It shows">
        <code>{identity}</code>
      </Fact>
      <Fact name="Our edge shows">
        {localIdentity === undefined ? 'the subject of its certificate' : <code>{localIdentity}</code>}
      </Fact>
      <Fact name="Both prove it with">
        {certificates.length === 0 ? proofText(peer) : <Pinned peer={peer} certificates={certificates} />}
      </Fact>
      <Fact name="Rules that name it">
        <NamingRules peer={peer} />
      </Fact>
      <Fact name="Changed">
        <RelativeTime at={updatedAt} />
      </Fact>
    </Facts>
  );
}

export function PeerAlgorithms({ peer: { ikeProposals, espProposal } }: { readonly peer: ExternalPeer }): ReactNode {
  return (
    <Facts>
      <Fact name="IKE SA">
        {ikeProposals.map((proposal) => (
          <div key={ikeProposalText(proposal)}>{ikeProposalText(proposal)}</div>
        ))}
      </Fact>
      <Fact name="Child SA">{espProposalText(espProposal)}</Fact>
    </Facts>
  );
}

function GatewayPlace({ peer: { address, port, prefixes = [] } }: { readonly peer: ExternalPeer }): ReactNode {
  return (
    <>
      <Fact name="Address">
        <code>{address}</code> port {port}
      </Fact>
      <Fact name="Networks behind it">
        <div className="w-chips">
          {prefixes.map((prefix) => (
            <span key={prefix} className="w-chip">
              <code>{prefix}</code>
            </span>
          ))}
        </div>
      </Fact>
    </>
  );
}

function HostPlace({ peer: { assigned = [] }, tunnel }: Pick<PeerIdentityProps, 'peer' | 'tunnel'>): ReactNode {
  const pools = useQuery(addressPoolsQuery(useTenantId())).data?.items ?? [];
  const ofHost = assigned.map(({ addressPoolId, address }) => ({
    address,
    pool: pools.find(({ id }) => id === addressPoolId),
  }));
  const met = tunnel?.edges[0]?.observedPeer ?? null;
  const nameServers = [...new Set(ofHost.flatMap(({ pool }) => pool?.nameServers ?? []))];
  const domains = [...new Set(ofHost.flatMap(({ pool }) => pool?.domains ?? []))];
  return (
    <>
      <Fact name="Comes from">
        anywhere
        {met !== null && (
          <>
            , now <code>{formatEndpoint(met)}</code>
          </>
        )}
      </Fact>
      <Fact name="Assigned addresses">
        {ofHost.map(({ address, pool }) => (
          <div key={address}>
            <code>{address}</code> of <Link to="/address-pools">{pool?.name}</Link>
          </div>
        ))}
      </Fact>
      {nameServers.length > 0 && (
        <Fact name="Name servers">
          <code>{nameServers.join(', ')}</code>
          {domains.length > 0 && <div className="w-dim w-small">for {domains.join(', ')}</div>}
        </Fact>
      )}
    </>
  );
}

function Pinned({
  peer,
  certificates,
}: {
  readonly peer: ExternalPeer;
  readonly certificates: readonly string[];
}): ReactNode {
  return (
    <details>
      <summary>{proofText(peer)}</summary>
      {certificates.map((pem) => (
        <pre key={pem} className="w-file">
          {pem}
        </pre>
      ))}
    </details>
  );
}

function NamingRules({ peer }: { readonly peer: ExternalPeer }): ReactNode {
  const rules = useNamingRules(peer);
  if (rules === undefined) return null;
  if (rules.length === 0)
    return <span className="w-dim">none yet, so that nothing passes: “any” and prefixes do not cover it</span>;
  return rules.map(({ id, policyId, text }) => (
    <div key={id}>
      <Link to="/policies" hash={policyId}>
        {text}
      </Link>
    </div>
  ));
}

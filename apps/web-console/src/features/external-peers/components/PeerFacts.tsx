import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { ExternalPeer } from '../../../api/index.js';
import { Fact, Facts } from '../../../ui/Facts.js';
import { RelativeTime } from '../../../ui/RelativeTime.js';
import { policiesQuery } from '../../policies/queries.js';
import { useTenantId } from '../../session/use-tenant.js';
import { espProposalText, ikeProposalText, proofText, rulesNaming } from '../wording.js';

/** Where a gateway is, what it calls itself and how it proves that, and what is behind it. */
export function PeerIdentity({ peer, site }: { readonly peer: ExternalPeer; readonly site: string }): ReactNode {
  const { address, port, identity, localIdentity, certificates = [], prefixes = [], updatedAt } = peer;
  return (
    <Facts>
      <Fact name="Site">{site}</Fact>
      <Fact name="Address">
        <code>{address}</code> port {port}
      </Fact>
      <Fact name="It shows">
        <code>{identity}</code>
      </Fact>
      <Fact name="Our edge shows">
        {localIdentity === undefined ? 'the subject of its certificate' : <code>{localIdentity}</code>}
      </Fact>
      <Fact name="Both prove it with">
        {certificates.length === 0 ? proofText(peer) : <Pinned peer={peer} certificates={certificates} />}
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
      <Fact name="Rules that name it">
        <NamingRules peerId={peer.id} />
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

function NamingRules({ peerId }: { readonly peerId: string }): ReactNode {
  const rules = rulesNaming(useQuery(policiesQuery(useTenantId())).data?.items ?? [], peerId);
  if (rules.length === 0) return <span className="w-dim">none yet, so that nothing passes</span>;
  return rules.map(({ id, policyId, text }) => (
    <div key={id}>
      <Link to="/policies" hash={policyId}>
        {text}
      </Link>
    </div>
  ));
}

import { z } from 'zod';
import { Name } from '../../platform/http/schemas.js';
import { certificateHex, certificatePem } from '../external-peers/certificate-text.js';
import {
  externalPeerFields,
  KEPT_KEY,
  PreSharedKeyOrKept,
  refineWholeProof,
} from '../external-peers/external-peer.dto.js';
import { type StoredExternalPeer, shownExternalPeer } from '../external-peers/stored-external-peer.js';

const { siteId: _, ...described } = externalPeerFields;

export const ConfiguredExternalPeer = z
  .strictObject({ ...described, site: Name, preSharedKey: PreSharedKeyOrKept.optional() })
  .superRefine(refineWholeProof)
  .meta({
    id: 'ConfiguredExternalPeer',
    description: 'As ExternalPeer, with the name of its site. An export has no key: it says that there is one.',
  });

export type ConfiguredExternalPeer = z.infer<typeof ConfiguredExternalPeer>;

/** Without its key. `new`: the document has one, and it is not the one that is stored. */
export type PlannedExternalPeer = Omit<ConfiguredExternalPeer, 'preSharedKey'> & {
  readonly preSharedKey?: typeof KEPT_KEY | 'new';
};

/** As the document writes it, always in one order. */
export function configuredExternalPeer(stored: StoredExternalPeer, site: string): PlannedExternalPeer {
  const shown = shownExternalPeer(stored);
  const { name, description, address, port, identity, localIdentity, preSharedKey, certificates } = shown;
  const { prefixes, ikeProposals, espProposal } = shown;
  return {
    name,
    description,
    site,
    address,
    port,
    identity,
    ...(localIdentity === undefined ? {} : { localIdentity }),
    ...(preSharedKey === undefined ? {} : { preSharedKey }),
    ...(certificates === undefined ? {} : { certificates }),
    prefixes,
    ikeProposals,
    espProposal,
  };
}

/** As it will be read from the table. `text`: how Postgres writes prefixes and addresses. */
export function canonicalExternalPeer(
  peer: ConfiguredExternalPeer,
  text: (given: string) => string,
): ConfiguredExternalPeer {
  return {
    ...peer,
    address: text(peer.address),
    prefixes: peer.prefixes.map(text),
    ...(peer.certificates && { certificates: peer.certificates.map((pem) => certificatePem(certificateHex(pem))) }),
  };
}

import { z } from 'zod';
import { HostAddress, Name } from '../../platform/http/schemas.js';
import { assignedOf } from '../external-peers/assigned-address.dto.js';
import { certificateHex, certificatePem } from '../external-peers/certificate-text.js';
import {
  externalPeerFields,
  KEPT_KEY,
  PreSharedKeyOrKept,
  refineForm,
  refineWholeProof,
} from '../external-peers/external-peer.dto.js';
import { gatewayOf, type StoredExternalPeer, shownExternalPeer } from '../external-peers/stored-external-peer.js';

const { siteId: _, ...described } = externalPeerFields;

const ConfiguredAssignedAddress = z
  .strictObject({ addressPool: Name, address: HostAddress })
  .meta({ id: 'ConfiguredAssignedAddress', description: 'As AssignedAddress, with the name of its pool.' });

export const ConfiguredExternalPeer = z
  .strictObject({
    ...described,
    site: Name,
    assigned: assignedOf(ConfiguredAssignedAddress),
    preSharedKey: PreSharedKeyOrKept.optional(),
  })
  .superRefine(refineForm)
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
export function configuredExternalPeer(
  stored: StoredExternalPeer,
  names: { readonly site: (id: string) => string; readonly addressPool: (id: string) => string },
): PlannedExternalPeer {
  const shown = shownExternalPeer(stored);
  const { name, description, siteId, address, port, identity, localIdentity, preSharedKey, certificates } = shown;
  const { prefixes, assigned, ikeProposals, espProposal } = shown;
  return {
    name,
    description,
    site: names.site(siteId),
    ...(address === undefined ? {} : { address }),
    ...(port === undefined ? {} : { port }),
    identity,
    ...(localIdentity === undefined ? {} : { localIdentity }),
    ...(preSharedKey === undefined ? {} : { preSharedKey }),
    ...(certificates === undefined ? {} : { certificates }),
    ...(prefixes === undefined ? {} : { prefixes }),
    ...(assigned === undefined
      ? {}
      : {
          assigned: assigned.map(({ addressPoolId, address }) => ({
            addressPool: names.addressPool(addressPoolId),
            address,
          })),
        }),
    ikeProposals,
    espProposal,
  };
}

/** As it will be read from the table. `text`: how Postgres writes prefixes and addresses. */
export function canonicalExternalPeer(
  peer: ConfiguredExternalPeer,
  text: (given: string) => string,
): ConfiguredExternalPeer {
  const gateway = gatewayOf(peer);
  return {
    ...peer,
    ...(gateway && { address: text(gateway.address), port: gateway.port, prefixes: gateway.prefixes.map(text) }),
    ...(peer.assigned && {
      assigned: peer.assigned.map((one) => ({ ...one, address: text(one.address) })).sort(ipv4First),
    }),
    ...(peer.certificates && { certificates: peer.certificates.map((pem) => certificatePem(certificateHex(pem))) }),
  };
}

function ipv4First(left: { readonly address: string }, right: { readonly address: string }): number {
  return Number(left.address.includes(':')) - Number(right.address.includes(':'));
}

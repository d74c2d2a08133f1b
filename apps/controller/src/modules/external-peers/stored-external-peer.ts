import type {
  ExternalEspProposal as IntentEspProposal,
  IntentExternalPeer,
  ExternalIkeProposal as IntentIkeProposal,
} from '@weft/fabric-compiler';
import { certificateHex, certificatePem } from './certificate-text.js';
import { type ExternalPeer, KEPT_KEY, type ReplaceExternalPeer } from './external-peer.dto.js';
import { keyExchangeNames, keyExchangeOf } from './key-exchange-names.js';

/** An external peer as the tables have it; proposals as the compiler takes them. */
export type StoredExternalPeer = StoredFields & StoredForm;

export type StoredForm = StoredGateway | StoredRemoteHost;

export interface StoredGateway {
  readonly address: string;
  readonly port: number;
  readonly prefixes: readonly string[];
}

export interface StoredRemoteHost {
  /** IPv4 first. */
  readonly assigned: readonly AssignedAddress[];
}

export interface AssignedAddress {
  readonly addressPoolId: string;
  readonly address: string;
}

/** What gateways and remote hosts have in common. */
export interface StoredFields {
  readonly id: string;
  readonly siteId: string;
  readonly name: string;
  readonly description: string;
  readonly identity: string;
  /** With a key only. */
  readonly localIdentity: string | null;
  /** Of the key, lower-case hex; null: certificates prove who is who. */
  readonly commitment: string | null;
  /** Pinned, lower-case hex of DER; null: a key does. */
  readonly certificates: readonly string[] | null;
  readonly ikeProposals: readonly IntentIkeProposal[];
  readonly espProposal: IntentEspProposal;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What a statement writes. */
export type WrittenExternalPeer = Omit<StoredFields, 'version' | 'createdAt' | 'updatedAt'> & StoredForm;

/** Where a gateway is, and what is behind it; undefined of a remote host. */
export function gatewayOf({
  address,
  port = STANDARD_PORT,
  prefixes,
}: Pick<ReplaceExternalPeer, 'address' | 'port' | 'prefixes'>): StoredGateway | undefined {
  return address === undefined || prefixes === undefined ? undefined : { address, port, prefixes };
}

/** What is written of an external peer beside its form and its key. */
export type DescribedFields = Omit<ReplaceExternalPeer, 'preSharedKey' | 'address' | 'port' | 'prefixes' | 'assigned'>;

export function writtenExternalPeer(
  id: string,
  { name, description, siteId, identity, certificates, localIdentity, ikeProposals, espProposal }: DescribedFields,
  form: StoredForm,
  commitment: string | null,
): WrittenExternalPeer {
  return {
    id,
    siteId,
    name,
    description,
    ...form,
    identity,
    localIdentity: localIdentity ?? null,
    commitment,
    certificates: certificates?.map(certificateHex) ?? null,
    ikeProposals: ikeProposals.flatMap(({ keyBits, prf, keyExchange }) => {
      const exchange = keyExchangeOf(keyExchange);
      return exchange === undefined ? [] : [{ encryption: 'aes-gcm-16', keyBits, prf, keyExchange: exchange }];
    }),
    espProposal: {
      encryption: 'aes-gcm-16',
      keyBits: espProposal.keyBits,
      extendedSequenceNumbers: espProposal.extendedSequenceNumbers,
      keyExchange: keyExchangeOf(espProposal.keyExchange),
    },
  };
}

/** As the API shows it. */
export function shownExternalPeer(stored: StoredExternalPeer): ExternalPeer {
  const { id, siteId, name, description, identity, version, createdAt, updatedAt } = stored;
  const { commitment, certificates, localIdentity, ikeProposals, espProposal } = stored;
  return {
    id,
    siteId,
    name,
    description,
    ...shownForm(stored),
    identity,
    version,
    ...(localIdentity === null ? {} : { localIdentity }),
    ...(commitment === null ? {} : { preSharedKey: KEPT_KEY }),
    ...(certificates === null ? {} : { certificates: certificates.map(certificatePem) }),
    ...shownProposals({ ikeProposals, espProposal }),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}

function shownForm(form: StoredForm): Pick<ExternalPeer, 'address' | 'port' | 'prefixes' | 'assigned'> {
  if ('assigned' in form) return { assigned: form.assigned.map((one) => ({ ...one })) };
  const { address, port, prefixes } = form;
  return { address, port, prefixes: [...prefixes] };
}

/** With the names of key exchange methods in place of their numbers. */
export function shownProposals({
  ikeProposals,
  espProposal,
}: Pick<StoredFields, 'ikeProposals' | 'espProposal'>): Pick<ExternalPeer, 'ikeProposals' | 'espProposal'> {
  return {
    ikeProposals: ikeProposals.map(({ keyBits, prf, keyExchange }) => ({
      keyBits,
      prf,
      keyExchange: keyExchangeNames(keyExchange),
    })),
    espProposal: {
      keyBits: espProposal.keyBits,
      extendedSequenceNumbers: espProposal.extendedSequenceNumbers,
      keyExchange: keyExchangeNames(espProposal.keyExchange ?? undefined),
    },
  };
}

/** As the intent has it: what both ends use is what our edge offers, and what the gateway accepts. */
export function intendedExternalPeer(stored: IntendedFields): IntentExternalPeer {
  const { siteId, commitment: _, certificates: __, localIdentity, espProposal, ...rest } = stored;
  const { keyExchange: childKeyExchange, ...esp } = espProposal;
  const common = {
    ...(localIdentity === null ? {} : { localIdentity }),
    authentication: authenticationOf(stored),
    admits: [],
    espProposals: [espProposal],
    gatewaySiteIds: [siteId],
    offer: {
      esp: { ...esp, replayWindow: REPLAY_WINDOW },
      ike: {
        proposals: stored.ikeProposals,
        childKeyExchange,
        ikeLifetimeSeconds: IKE_LIFETIME_SECONDS,
        childLifetimeSeconds: CHILD_LIFETIME_SECONDS,
        livenessSeconds: LIVENESS_SECONDS,
      },
    },
  };
  return 'assigned' in rest ? { ...rest, kind: 'remote_host', ...common } : { ...rest, ...common };
}

function authenticationOf({
  commitment,
  certificates,
}: Pick<StoredFields, 'commitment' | 'certificates'>): IntentExternalPeer['authentication'] {
  if (certificates !== null) return { kind: 'pinned_certificates', certificates };
  return { kind: 'pre_shared_key', ...(commitment === null ? {} : { commitment }) };
}

export type IntendedFields = Omit<StoredFields, 'description' | 'version' | 'createdAt' | 'updatedAt'> & StoredForm;

/** The reverse of `intendedExternalPeer`; undefined for a peer that the tables cannot hold. */
export function storableExternalPeer(peer: IntentExternalPeer): IntendedFields | undefined {
  const [siteId] = peer.gatewaySiteIds;
  const [espProposal] = peer.espProposals;
  const proof = storableProof(peer);
  if (siteId === undefined || espProposal === undefined || proof === undefined) return undefined;
  const { id, name, identity, ikeProposals } = peer;
  return { id, name, ...storableForm(peer), identity, ...proof, ikeProposals, siteId, espProposal };
}

function storableForm(peer: IntentExternalPeer): StoredForm {
  if (peer.kind === 'remote_host') return { assigned: peer.assigned };
  const { address, port, prefixes } = peer;
  return { address, port, prefixes };
}

function storableProof({
  authentication,
  localIdentity,
}: IntentExternalPeer): Pick<StoredFields, 'localIdentity' | 'commitment' | 'certificates'> | undefined {
  if (authentication.kind === 'pinned_certificates') {
    return { localIdentity: null, commitment: null, certificates: authentication.certificates };
  }
  const commitment = authentication.kind === 'pre_shared_key' ? authentication.commitment : undefined;
  if (commitment === undefined || localIdentity === undefined) return undefined;
  return { localIdentity, commitment, certificates: null };
}

/** Of IKE and ESP through NAT (RFC 3948). */
const STANDARD_PORT = 4500;
/** As between edges. */
const REPLAY_WINDOW = 1024;
const IKE_LIFETIME_SECONDS = 4 * 3600;
const CHILD_LIFETIME_SECONDS = 3600;
/** A gateway that is not ours may count being asked against us. */
const LIVENESS_SECONDS = 30;

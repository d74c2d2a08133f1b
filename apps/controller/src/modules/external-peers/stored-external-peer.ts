import type {
  ExternalEspProposal as IntentEspProposal,
  IntentExternalPeer,
  ExternalIkeProposal as IntentIkeProposal,
} from '@weft/fabric-compiler';
import { certificateHex, certificatePem } from './certificate-text.js';
import { type ExternalPeer, KEPT_KEY, type ReplaceExternalPeer } from './external-peer.dto.js';
import { keyExchangeNames, keyExchangeOf } from './key-exchange-names.js';

/** An external peer as the table has it; proposals as the compiler takes them. */
export interface StoredExternalPeer {
  readonly id: string;
  readonly siteId: string;
  readonly name: string;
  readonly description: string;
  readonly address: string;
  readonly port: number;
  readonly identity: string;
  /** With a key only. */
  readonly localIdentity: string | null;
  /** Of the key, lower-case hex; null: certificates prove who is who. */
  readonly commitment: string | null;
  /** Pinned, lower-case hex of DER; null: a key does. */
  readonly certificates: readonly string[] | null;
  readonly prefixes: readonly string[];
  readonly ikeProposals: readonly IntentIkeProposal[];
  readonly espProposal: IntentEspProposal;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What a statement writes. */
export type WrittenExternalPeer = Omit<StoredExternalPeer, 'version' | 'createdAt' | 'updatedAt'>;

export function writtenExternalPeer(
  id: string,
  { preSharedKey: _, certificates, localIdentity, ikeProposals, espProposal, ...rest }: ReplaceExternalPeer,
  commitment: string | null,
): WrittenExternalPeer {
  return {
    ...rest,
    id,
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
  const {
    commitment,
    certificates,
    localIdentity,
    ikeProposals,
    espProposal,
    prefixes,
    createdAt,
    updatedAt,
    ...rest
  } = stored;
  return {
    ...rest,
    ...(localIdentity === null ? {} : { localIdentity }),
    ...(commitment === null ? {} : { preSharedKey: KEPT_KEY }),
    ...(certificates === null ? {} : { certificates: certificates.map(certificatePem) }),
    prefixes: [...prefixes],
    ...shownProposals({ ikeProposals, espProposal }),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}

/** With the names of key exchange methods in place of their numbers. */
export function shownProposals({
  ikeProposals,
  espProposal,
}: Pick<StoredExternalPeer, 'ikeProposals' | 'espProposal'>): Pick<ExternalPeer, 'ikeProposals' | 'espProposal'> {
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
  const { siteId, commitment, certificates, localIdentity, espProposal, ...rest } = stored;
  const { keyExchange: childKeyExchange, ...esp } = espProposal;
  return {
    ...rest,
    ...(localIdentity === null ? {} : { localIdentity }),
    authentication:
      certificates === null
        ? { kind: 'pre_shared_key', ...(commitment === null ? {} : { commitment }) }
        : { kind: 'pinned_certificates', certificates },
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
}

export type IntendedFields = Omit<StoredExternalPeer, 'description' | 'version' | 'createdAt' | 'updatedAt'>;

/** The reverse of `intendedExternalPeer`; undefined for a peer that the table cannot hold. */
export function storableExternalPeer(peer: IntentExternalPeer): IntendedFields | undefined {
  const [siteId] = peer.gatewaySiteIds;
  const [espProposal] = peer.espProposals;
  const proof = storableProof(peer);
  if (siteId === undefined || espProposal === undefined || proof === undefined) return undefined;
  if (peer.kind === 'remote_host') return undefined;
  const { id, name, address, port, identity, prefixes, ikeProposals } = peer;
  return { id, name, address, port, identity, ...proof, prefixes, ikeProposals, siteId, espProposal };
}

function storableProof({
  authentication,
  localIdentity,
}: IntentExternalPeer): Pick<StoredExternalPeer, 'localIdentity' | 'commitment' | 'certificates'> | undefined {
  if (authentication.kind === 'pinned_certificates') {
    return { localIdentity: null, commitment: null, certificates: authentication.certificates };
  }
  const commitment = authentication.kind === 'pre_shared_key' ? authentication.commitment : undefined;
  if (commitment === undefined || localIdentity === undefined) return undefined;
  return { localIdentity, commitment, certificates: null };
}

/** As between edges. */
const REPLAY_WINDOW = 1024;
const IKE_LIFETIME_SECONDS = 4 * 3600;
const CHILD_LIFETIME_SECONDS = 3600;
/** A gateway that is not ours may count being asked against us. */
const LIVENESS_SECONDS = 30;

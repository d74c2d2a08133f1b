import {
  CERT_ENCODING,
  DIGITAL_SIGNATURE_ALGORITHMS,
  encodeDigitalSignature,
  isClassic,
  parseDigitalSignature,
} from '@weft/ipsec-core/ike';
import type { PeerTrust } from '../ike/credentials/job-runner.js';
import { runCredentialJob } from '../ike/credentials/job-runner.js';
import type { OwnCredentials } from '../ike/edge-credentials.js';
import { edgeIdentity } from '../ike/fabric-connections.js';

/** A signature in the form of RFC 7427 section 3, and the certificates of its key, leaf first. */
export interface SignedShare {
  readonly signature: Uint8Array;
  readonly certificates: readonly Uint8Array[];
}

/** What is claimed to be the peer's. */
export interface ClaimedShare extends SignedShare {
  /** Id of the edge. */
  readonly peer: string;
  readonly octets: Uint8Array;
}

/** How an edge proves that a key share is its own, and finds out whether one is its peer's. */
export interface KeyShareProof {
  /** Rejects when this edge has no key that can. */
  sign(octets: Uint8Array): Promise<SignedShare>;
  /** Resolves to why not, as the end of a sentence; undefined when it is the peer's. */
  verify(tunnelId: string, share: ClaimedShare): Promise<string | undefined>;
}

/** With the certificates that IKE is proved with, and the same rules for whom to believe: path, revocation, the identity of the edge. */
export class CertificateProof implements KeyShareProof {
  readonly #own: () => OwnCredentials;
  readonly #refusedSerials: (tunnelId: string) => ReadonlySet<string>;
  readonly #believed: (tunnelId: string, serialNumber: string) => void;
  readonly #wallClock: () => number;

  constructor(
    own: () => OwnCredentials,
    refusedSerials: (tunnelId: string) => ReadonlySet<string>,
    believed: (tunnelId: string, serialNumber: string) => void,
    wallClock: () => number,
  ) {
    this.#own = own;
    this.#refusedSerials = refusedSerials;
    this.#believed = believed;
    this.#wallClock = wallClock;
  }

  async sign(octets: Uint8Array): Promise<SignedShare> {
    const { shown, key } = this.#own();
    const { name: credential, certificates } = shown.credential;
    const algorithms = shown.credential.algorithms.filter((algorithm) => !isClassic(algorithm));
    const job = { kind: 'sign', credential, algorithms, octets } as const;
    const result = await runCredentialJob(job, { ...this.#means(), keyOf: () => key });
    if (result.kind !== 'signed' || isClassic(result.algorithm)) {
      throw new Error(result.kind === 'failed' ? result.reason : 'the key of this edge signs by no method of RFC 7427');
    }
    const { algorithm, signature } = result;
    return { signature: encodeDigitalSignature({ algorithm, signature }), certificates };
  }

  async verify(tunnelId: string, { peer, octets, signature, certificates }: ClaimedShare): Promise<string | undefined> {
    const parsed = parseDigitalSignature(signature);
    if (parsed === undefined) return `it is signed by none of ${DIGITAL_SIGNATURE_ALGORITHMS.join(', ')}`;
    const result = await runCredentialJob(
      {
        kind: 'verify',
        connection: tunnelId,
        identity: edgeIdentity(this.#own().shown.tenantId, peer),
        certificates: certificates.map((data) => ({ encoding: CERT_ENCODING.X509_SIGNATURE, data })),
        octets,
        ...parsed,
      },
      this.#means(),
    );
    if (result.kind === 'verified') return undefined;
    return result.kind === 'failed' ? result.reason : 'it was not looked at';
  }

  #means() {
    return {
      keyOf: () => undefined,
      trustOf: (tunnelId: string): PeerTrust => ({
        kind: 'certificates',
        anchors: this.#own().anchors,
        refusedSerials: this.#refusedSerials(tunnelId),
      }),
      believed: this.#believed,
      wallClock: this.#wallClock,
    };
  }
}

import {
  CERT_ENCODING,
  DIGITAL_SIGNATURE_ALGORITHMS,
  encodeDigitalSignature,
  isClassic,
  parseDigitalSignature,
} from '@weft/ipsec-core/ike';
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

export type Verdict =
  /** By which certificate: its serial number, as `serialValue` writes it. */
  | { readonly ok: true; readonly serialNumber: string }
  /** As the end of a sentence. */
  | { readonly ok: false; readonly refusal: string };

/** How an edge proves that a key share is its own, and finds out whether one is its peer's. */
export interface KeyShareProof {
  /** Rejects when this edge has no key that can. */
  sign(octets: Uint8Array): Promise<SignedShare>;
  /** Whether it is the peer's. */
  verify(share: ClaimedShare, refusedSerials: () => ReadonlySet<string>): Promise<Verdict>;
}

/** With the certificates that IKE is proved with, and the same rules for whom to believe: path, revocation, the identity of the edge. */
export class CertificateProof implements KeyShareProof {
  readonly #own: () => OwnCredentials;
  readonly #wallClock: () => number;

  constructor(own: () => OwnCredentials, wallClock: () => number) {
    this.#own = own;
    this.#wallClock = wallClock;
  }

  async sign(octets: Uint8Array): Promise<SignedShare> {
    const { shown, key } = this.#own();
    const { name: credential, certificates } = shown.credential;
    const algorithms = shown.credential.algorithms.filter((algorithm) => !isClassic(algorithm));
    const job = { kind: 'sign', credential, algorithms, octets } as const;
    const wallClock = this.#wallClock;
    const result = await runCredentialJob(job, { keyOf: () => key, trustOf: () => undefined, wallClock });
    if (result.kind !== 'signed' || isClassic(result.algorithm)) {
      throw new Error(result.kind === 'failed' ? result.reason : 'the key of this edge signs by no method of RFC 7427');
    }
    const { algorithm, signature } = result;
    return { signature: encodeDigitalSignature({ algorithm, signature }), certificates };
  }

  async verify(
    { peer, octets, signature, certificates }: ClaimedShare,
    refusedSerials: () => ReadonlySet<string>,
  ): Promise<Verdict> {
    const parsed = parseDigitalSignature(signature);
    const known = DIGITAL_SIGNATURE_ALGORITHMS.join(', ');
    if (parsed === undefined) return { ok: false, refusal: `it is signed by none of ${known}` };
    const { shown, anchors } = this.#own();
    let serialNumber = '';
    const result = await runCredentialJob(
      {
        kind: 'verify',
        connection: peer,
        identity: edgeIdentity(shown.tenantId, peer),
        certificates: certificates.map((data) => ({ encoding: CERT_ENCODING.X509_SIGNATURE, data })),
        octets,
        ...parsed,
      },
      {
        keyOf: () => undefined,
        trustOf: () => ({ kind: 'certificates', anchors, refusedSerials: refusedSerials() }),
        believed: (_, serial) => {
          serialNumber = serial;
        },
        wallClock: this.#wallClock,
      },
    );
    if (result.kind === 'verified') return { ok: true, serialNumber };
    return { ok: false, refusal: result.kind === 'failed' ? result.reason : 'it was not looked at' };
  }
}

/** What both ends of a tunnel know of it from their bundles, and what every message about its keys has to name. */
export interface TunnelTerms {
  /** Within which ids mean something. */
  readonly fabric: string;
  readonly tunnelId: string;
  /** Ids of the edges, as their certificates say them. */
  readonly local: string;
  readonly remote: string;
  /** That of the controller whose bundle asks for the tunnel. One that went back is a superseded controller's. */
  readonly epoch: bigint;
  readonly suite: Suite;
  /** Age at which the offering edge asks for another root, milliseconds. */
  readonly softLifetime: number;
  /** Age at which a root ends with all its associations, milliseconds. */
  readonly hardLifetime: number;
}

/** What associations are made for. A root serves one suite: another one needs another root. */
export interface Suite {
  /** Everything that both ends have to agree in, as text: protocol, algorithm, key length, sequence numbers. */
  readonly name: string;
  /** Octets of KEYMAT of one association. */
  readonly keyingMaterialLength: number;
}

/** The offering edge sends the first share of a root, the answering edge the other. */
export type Role = 'offering' | 'answering';

/** The edge with the lower id offers, so that the two never do it at the same time. */
export function roleOf({ local, remote }: Pick<TunnelTerms, 'local' | 'remote'>): Role {
  return local < remote ? 'offering' : 'answering';
}

/** Throws RangeError for terms that contradict themselves. */
export function checkTerms(terms: TunnelTerms): void {
  for (const text of [terms.fabric, terms.tunnelId, terms.local, terms.remote, terms.suite.name]) {
    if (!TEXT.test(text)) throw new RangeError(`A name has 1 to 128 printable ASCII characters, not "${text}".`);
  }
  if (terms.local === terms.remote) throw new RangeError(`The edge ${terms.local} has no tunnel with itself.`);
  const { keyingMaterialLength } = terms.suite;
  if (!Number.isInteger(keyingMaterialLength) || keyingMaterialLength < 1 || keyingMaterialLength > 255) {
    throw new RangeError(`KEYMAT has 1 to 255 octets, not ${keyingMaterialLength}.`);
  }
  if (!(terms.softLifetime > 0 && terms.softLifetime < terms.hardLifetime)) {
    throw new RangeError('The soft lifetime is above 0 and below the hard lifetime.');
  }
}

const TEXT = /^[\x20-\x7e]{1,128}$/;

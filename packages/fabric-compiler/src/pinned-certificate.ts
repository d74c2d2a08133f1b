import { fromHex, readDer } from '@weft/ipsec-core';
import type { BundleIdentity } from './bundle.js';

/** What can be told beforehand of a certificate that an operator has pinned. */
export interface PinnedCertificate {
  /** Whether it may issue others: basicConstraints (RFC 5280 section 4.2.1.9). */
  readonly authority: boolean;
  /** Those of its subject alternative names that an IKE identity can be (RFC 4945 section 3.1). */
  readonly names: readonly BundleIdentity[];
}

/** Reads an X.509 certificate, lower-case hex of DER; undefined when it is none. Who believes it checks the rest. */
export function readPinnedCertificate(hexadecimal: string): PinnedCertificate | undefined {
  if (!/^(?:[0-9a-f]{2})+$/.test(hexadecimal) || hexadecimal.length > 2 * MAX_CERTIFICATE_OCTETS) return undefined;
  const [certificate, ...trailing] = readDer(fromHex(hexadecimal)) ?? [];
  if (certificate?.tag !== SEQUENCE || trailing.length > 0) return undefined;
  const [body, algorithm, signature] = readDer(certificate.contents) ?? [];
  if (body?.tag !== SEQUENCE || algorithm?.tag !== SEQUENCE || signature?.tag !== BIT_STRING) return undefined;
  const fields = readDer(body.contents);
  if (fields === undefined) return undefined;
  const extensions = extensionsOf(fields.find(({ tag }) => tag === EXTENSIONS)?.contents);
  const [constraints] = readDer(extensions.get(BASIC_CONSTRAINTS) ?? EMPTY) ?? [];
  const [first] = readDer(constraints?.contents ?? EMPTY) ?? [];
  return {
    authority: first?.tag === BOOLEAN && first.contents[0] === 0xff,
    names: namesOf(extensions.get(SUBJECT_ALTERNATIVE_NAME)),
  };
}

/** What is in the extensions, by the hexadecimal of their identifiers. */
function extensionsOf(contents: Uint8Array | undefined): ReadonlyMap<string, Uint8Array> {
  const [list] = readDer(contents ?? EMPTY) ?? [];
  return new Map(
    (readDer(list?.contents ?? EMPTY) ?? []).flatMap((extension) => {
      const parts = readDer(extension.contents) ?? [];
      const [identifier, value] = [parts[0], parts.at(-1)];
      if (identifier === undefined || value?.tag !== OCTET_STRING) return [];
      return [[[...identifier.contents].join('.'), value.contents] as const];
    }),
  );
}

function namesOf(value: Uint8Array | undefined): readonly BundleIdentity[] {
  const [list] = readDer(value ?? EMPTY) ?? [];
  return (readDer(list?.contents ?? EMPTY) ?? []).flatMap(({ tag, contents }): BundleIdentity[] => {
    if (tag === IP_ADDRESS) return [{ type: contents.length === 4 ? 1 : 5, data: contents }];
    const type = TEXT_NAMES.get(tag);
    return type === undefined ? [] : [{ type, data: contents }];
  });
}

/** As an edge takes them. */
const MAX_CERTIFICATE_OCTETS = 16_384;
const EMPTY = new Uint8Array();
const BOOLEAN = 0x01;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const SEQUENCE = 0x30;
const EXTENSIONS = 0xa3;
/** Octets of 2.5.29.17 and 2.5.29.19. */
const SUBJECT_ALTERNATIVE_NAME = '85.29.17';
const BASIC_CONSTRAINTS = '85.29.19';
/** Context tags of GeneralName (RFC 5280 section 4.2.1.6), and identification types. */
const TEXT_NAMES: ReadonlyMap<number, 2 | 3> = new Map([
  [0x81, 3],
  [0x82, 2],
]);
const IP_ADDRESS = 0x87;

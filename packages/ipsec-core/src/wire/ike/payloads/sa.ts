import { ATTRIBUTE } from '../iana.js';
import type { Reader } from '../reader.js';
import { IkeWireError } from '../wire-error.js';
import type { Writer } from '../writer.js';

/**
 * Security Association payload, RFC 7296 section 3.3: proposals, each with its transforms.
 *
 * ```
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * | Last Substruc |   RESERVED    |         Proposal Length       |   0 last, 2 more
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * | Proposal Num  |  Protocol ID  |    SPI Size   |Num  Transforms|
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ~                        SPI (variable)                         ~
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * | Last Substruc |   RESERVED    |        Transform Length       |   0 last, 3 more
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |Transform Type |   RESERVED    |          Transform ID         |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ~                      Transform Attributes                     ~   TV: AF=1 | type, value
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */
export interface SaPayload {
  readonly kind: 'SA';
  readonly proposals: readonly Proposal[];
}

export interface Proposal {
  readonly number: number;
  readonly protocol: number;
  /** Empty in an initial IKE_SA_INIT, 8 octets in an IKE SA rekey, 4 for ESP and AH. */
  readonly spi: Uint8Array;
  readonly transforms: readonly Transform[];
}

export interface Transform {
  readonly type: number;
  readonly id: number;
  /** Bits; absent when no Key Length attribute is there. */
  readonly keyLength: number | undefined;
  /** An attribute that we do not know makes the transform unacceptable (section 3.3.6), not the message malformed. */
  readonly unknownAttribute: boolean;
}

export function parseSa(reader: Reader): SaPayload {
  const proposals: Proposal[] = [];
  let last = false;
  while (!last) {
    if (proposals.length === MAXIMUM_PROPOSALS) {
      throw new IkeWireError({ code: 'too_many', what: 'proposals', limit: MAXIMUM_PROPOSALS });
    }
    last = isLast(reader.uint8(), MORE_PROPOSALS, 'the Last Substruc of a proposal');
    reader.skip(1);
    proposals.push(parseProposal(body(reader, 'a proposal')));
  }
  reader.finish();
  return { kind: 'SA', proposals };
}

export function encodeSa(payload: SaPayload, writer: Writer): void {
  payload.proposals.forEach((proposal, index) => {
    const start = writer.length;
    writer.uint8(index === payload.proposals.length - 1 ? 0 : MORE_PROPOSALS).zeros(3);
    writer.uint8(proposal.number).uint8(proposal.protocol);
    writer.uint8(proposal.spi.length).uint8(proposal.transforms.length).bytes(proposal.spi);
    proposal.transforms.forEach((transform, position) => {
      encodeTransform(transform, position === proposal.transforms.length - 1, writer);
    });
    writer.lengthAt(start + 2, start);
  });
}

export function transform(type: number, id: number, keyLength?: number): Transform {
  return { type, id, keyLength, unknownAttribute: false };
}

function parseProposal(reader: Reader): Proposal {
  const number = reader.uint8();
  const protocol = reader.uint8();
  const spiSize = reader.uint8();
  const count = reader.uint8();
  if (spiSize > MAXIMUM_SPI) throw new IkeWireError({ code: 'bad_value', what: 'an SPI size', value: spiSize });
  const spi = reader.copy(spiSize);
  const transforms: Transform[] = [];
  for (let index = 0; index < count; index++) {
    const last = isLast(reader.uint8(), MORE_TRANSFORMS, 'the Last Substruc of a transform');
    if (last !== (index === count - 1)) {
      throw new IkeWireError({ code: 'bad_value', what: 'the number of transforms', value: count });
    }
    reader.skip(1);
    transforms.push(parseTransform(body(reader, 'a transform')));
  }
  reader.finish();
  return { number, protocol, spi, transforms };
}

function parseTransform(reader: Reader): Transform {
  const type = reader.uint8();
  reader.skip(1);
  const id = reader.uint16();
  let keyLength: number | undefined;
  let unknownAttribute = false;
  while (reader.remaining > 0) {
    const format = reader.uint16();
    const value = reader.uint16();
    if ((format & SHORT_FORMAT) === 0) reader.skip(value);
    if (format === (SHORT_FORMAT | ATTRIBUTE.KEY_LENGTH) && keyLength === undefined) keyLength = value;
    else unknownAttribute = true;
  }
  return { type, id, keyLength, unknownAttribute };
}

function encodeTransform(value: Transform, last: boolean, writer: Writer): void {
  const start = writer.length;
  writer.uint8(last ? 0 : MORE_TRANSFORMS).zeros(3);
  writer.uint8(value.type).uint8(0).uint16(value.id);
  if (value.keyLength !== undefined) writer.uint16(SHORT_FORMAT | ATTRIBUTE.KEY_LENGTH).uint16(value.keyLength);
  writer.lengthAt(start + 2, start);
}

/** After Last Substruc and RESERVED: the length that counts them, then what it covers. */
function body(reader: Reader, what: string): Reader {
  const length = reader.uint16();
  if (length < SUBSTRUCTURE_HEADER) throw new IkeWireError({ code: 'bad_length', what, length });
  return reader.within(length - SUBSTRUCTURE_HEADER, what);
}

function isLast(value: number, more: number, what: string): boolean {
  if (value !== 0 && value !== more) throw new IkeWireError({ code: 'bad_value', what, value });
  return value === 0;
}

const MORE_PROPOSALS = 2;
const MORE_TRANSFORMS = 3;
const SUBSTRUCTURE_HEADER = 4;
const SHORT_FORMAT = 0x8000;
const MAXIMUM_SPI = 8;
const MAXIMUM_PROPOSALS = 64;

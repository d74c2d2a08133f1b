import type { Reader } from '../reader.js';
import { IkeWireError } from '../wire-error.js';
import type { Writer } from '../writer.js';

/**
 * Configuration payload, RFC 7296 section 3.15: CFG type, three reserved octets, then attributes of
 * `R | type (15 bits) | length (16) | value`.
 */
export interface ConfigurationPayload {
  readonly kind: 'CP';
  readonly type: number;
  readonly attributes: readonly ConfigurationAttribute[];
}

export interface ConfigurationAttribute {
  readonly type: number;
  readonly value: Uint8Array;
}

export function parseConfiguration(reader: Reader): ConfigurationPayload {
  const type = reader.uint8();
  reader.skip(3);
  const attributes: ConfigurationAttribute[] = [];
  while (reader.remaining > 0) {
    if (attributes.length === MAXIMUM_ATTRIBUTES) {
      throw new IkeWireError({ code: 'too_many', what: 'configuration attributes', limit: MAXIMUM_ATTRIBUTES });
    }
    const attribute = reader.uint16() & ATTRIBUTE_MASK;
    attributes.push({ type: attribute, value: reader.copy(reader.uint16()) });
  }
  return { kind: 'CP', type, attributes };
}

export function encodeConfiguration(payload: ConfigurationPayload, writer: Writer): void {
  writer.uint8(payload.type).zeros(3);
  for (const attribute of payload.attributes) {
    writer
      .uint16(attribute.type & ATTRIBUTE_MASK)
      .uint16(attribute.value.length)
      .bytes(attribute.value);
  }
}

const ATTRIBUTE_MASK = 0x7fff;
const MAXIMUM_ATTRIBUTES = 256;

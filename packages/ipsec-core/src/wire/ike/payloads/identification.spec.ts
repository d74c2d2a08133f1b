import { describe, expect, it } from 'vitest';
import { der, nameDer } from '../../../../test/support/distinguished-names.js';
import { ATTRIBUTE_TYPE } from '../../x509/distinguished-name.js';
import { ID_TYPE } from '../iana.js';
import { describeIdentity, type Identity } from './identification.js';

const text = (value: string) => Uint8Array.from(value, (character) => character.charCodeAt(0));
const name = nameDer([[[ATTRIBUTE_TYPE.C, 'DE']], [[ATTRIBUTE_TYPE.CN, 'gateway, north']]]);

describe('An identity, for people', () => {
  it.each<readonly [Identity, string]>([
    [{ type: ID_TYPE.FQDN, data: text('gw.example.com') }, 'gw.example.com'],
    [{ type: ID_TYPE.FQDN, data: text('gw\n\u001b[31m') }, 'gw??[31m'],
    [{ type: ID_TYPE.RFC822_ADDR, data: text('gw@example.com') }, 'gw@example.com'],
    [{ type: ID_TYPE.IPV4_ADDR, data: Uint8Array.of(192, 0, 2, 7) }, '192.0.2.7'],
    [{ type: ID_TYPE.DER_ASN1_DN, data: name }, 'CN=gateway\\, north,C=DE'],
    [{ type: ID_TYPE.DER_ASN1_DN, data: Uint8Array.of(0x30, 0) }, 'DER_ASN1_DN:3000'],
    [
      { type: ID_TYPE.DER_ASN1_DN, data: name.subarray(1) },
      `DER_ASN1_DN:${Buffer.from(name.subarray(1)).toString('hex')}`,
    ],
    [{ type: ID_TYPE.DER_ASN1_GN, data: der(0x86, [text('urn:weft:edge:3')]) }, 'urn:weft:edge:3'],
    [{ type: ID_TYPE.DER_ASN1_GN, data: der(0x86, [text('x'.repeat(300))]) }, 'x'.repeat(300)],
    [{ type: ID_TYPE.DER_ASN1_GN, data: der(0xa4, [name]) }, 'CN=gateway\\, north,C=DE'],
    [{ type: ID_TYPE.DER_ASN1_GN, data: Uint8Array.of(0x87, 1, 9) }, 'DER_ASN1_GN:870109'],
    [{ type: ID_TYPE.KEY_ID, data: Uint8Array.of(1, 0xfe) }, 'KEY_ID:01fe'],
  ])('%j is %s', (identity, expected) => {
    expect(describeIdentity(identity)).toBe(expected);
  });
});

import { PAYLOAD } from '../iana.js';
import type { Reader } from '../reader.js';
import type { Writer } from '../writer.js';
import { type AuthenticationPayload, encodeAuthentication, parseAuthentication } from './authentication.js';
import { type CertificatePayload, encodeCertificate, parseCertificate } from './certificate.js';
import {
  type CertificateRequestPayload,
  encodeCertificateRequest,
  parseCertificateRequest,
} from './certificate-request.js';
import { type ConfigurationPayload, encodeConfiguration, parseConfiguration } from './configuration.js';
import { type DeletePayload, encodeDelete, parseDelete } from './delete.js';
import { type EapPayload, encodeEap, parseEap } from './eap.js';
import { type EncryptedPayload, encodeEncrypted, parseEncrypted } from './encrypted.js';
import {
  type EncryptedFragmentPayload,
  encodeEncryptedFragment,
  parseEncryptedFragment,
} from './encrypted-fragment.js';
import { encodeIdentification, type IdentificationPayload, parseIdentification } from './identification.js';
import { encodeKeyExchange, type KeyExchangePayload, parseKeyExchange } from './key-exchange.js';
import { encodeNonce, type NoncePayload, parseNonce } from './nonce.js';
import { encodeNotify, type NotifyPayload, parseNotify } from './notify.js';
import { encodeSa, parseSa, type SaPayload } from './sa.js';
import { encodeTrafficSelectors, parseTrafficSelectors, type TrafficSelectorPayload } from './traffic-selector.js';
import { encodeUnknown, parseUnknown, type UnknownPayload } from './unknown.js';
import { encodeVendorId, parseVendorId, type VendorIdPayload } from './vendor-id.js';

export type Payload =
  | SaPayload
  | KeyExchangePayload
  | IdentificationPayload
  | CertificatePayload
  | CertificateRequestPayload
  | AuthenticationPayload
  | NoncePayload
  | NotifyPayload
  | DeletePayload
  | VendorIdPayload
  | TrafficSelectorPayload
  | EncryptedPayload
  | EncryptedFragmentPayload
  | ConfigurationPayload
  | EapPayload
  | UnknownPayload;

export type PayloadKind = Payload['kind'];

/** The wire number of a payload. */
export function payloadType(payload: Payload): number {
  return payload.kind === 'unknown' ? payload.type : PAYLOAD[payload.kind];
}

/** Parses the body of one payload; `next` is its Next Payload field, which the encrypted ones need. */
export function parsePayload(type: number, next: number, reader: Reader): Payload {
  switch (type) {
    case PAYLOAD.SA:
      return parseSa(reader);
    case PAYLOAD.KE:
      return parseKeyExchange(reader);
    case PAYLOAD.IDi:
      return parseIdentification('IDi', reader);
    case PAYLOAD.IDr:
      return parseIdentification('IDr', reader);
    case PAYLOAD.CERT:
      return parseCertificate(reader);
    case PAYLOAD.CERTREQ:
      return parseCertificateRequest(reader);
    case PAYLOAD.AUTH:
      return parseAuthentication(reader);
    case PAYLOAD.Nonce:
      return parseNonce(reader);
    case PAYLOAD.N:
      return parseNotify(reader);
    case PAYLOAD.D:
      return parseDelete(reader);
    case PAYLOAD.V:
      return parseVendorId(reader);
    case PAYLOAD.TSi:
      return parseTrafficSelectors('TSi', reader);
    case PAYLOAD.TSr:
      return parseTrafficSelectors('TSr', reader);
    case PAYLOAD.SK:
      return parseEncrypted(next, reader);
    case PAYLOAD.SKF:
      return parseEncryptedFragment(next, reader);
    case PAYLOAD.CP:
      return parseConfiguration(reader);
    case PAYLOAD.EAP:
      return parseEap(reader);
    default:
      return parseUnknown(type, reader);
  }
}

export function encodePayload(payload: Payload, writer: Writer): void {
  switch (payload.kind) {
    case 'SA':
      encodeSa(payload, writer);
      break;
    case 'KE':
      encodeKeyExchange(payload, writer);
      break;
    case 'IDi':
    case 'IDr':
      encodeIdentification(payload, writer);
      break;
    case 'CERT':
      encodeCertificate(payload, writer);
      break;
    case 'CERTREQ':
      encodeCertificateRequest(payload, writer);
      break;
    case 'AUTH':
      encodeAuthentication(payload, writer);
      break;
    case 'Nonce':
      encodeNonce(payload, writer);
      break;
    case 'N':
      encodeNotify(payload, writer);
      break;
    case 'D':
      encodeDelete(payload, writer);
      break;
    case 'V':
      encodeVendorId(payload, writer);
      break;
    case 'TSi':
    case 'TSr':
      encodeTrafficSelectors(payload, writer);
      break;
    case 'SK':
      encodeEncrypted(payload, writer);
      break;
    case 'SKF':
      encodeEncryptedFragment(payload, writer);
      break;
    case 'CP':
      encodeConfiguration(payload, writer);
      break;
    case 'EAP':
      encodeEap(payload, writer);
      break;
    case 'unknown':
      encodeUnknown(payload, writer);
  }
}

import {
  Encapsulation,
  EncryptionAlgorithm,
  IntegrityAlgorithm,
  IpsecMode,
  type Profile,
  SecurityProtocol,
} from '@weft/contracts/southbound';
import { RejectionError } from '../rejection.js';
import { integerWithin, required } from './field.js';
import { parseCombinedMode } from './parse-combined-mode.js';
import type { AhProfile, EspEncapsulation, EspProfile, ProtectionProfile } from './verified-bundle.js';

/** Checks a profile, of a tunnel or of a security association. */
export function parseProfile(path: string, message: Profile | undefined): ProtectionProfile {
  const profile = required(path, message);
  if (profile.protocol === undefined) return parseEsp(path, profile);
  if (profile.protocol === SecurityProtocol.SECURITY_PROTOCOL_AH) return parseAh(path, profile);
  throw new RejectionError(`${path}.protocol`, 'unsupported_value', `protocol ${profile.protocol} is unknown here`);
}

function parseEsp(path: string, profile: Profile): EspProfile {
  const cipher = parseCombinedMode(path, profile);
  if (profile.integrity !== undefined) {
    throw new RejectionError(`${path}.integrity`, 'unexpected_value', 'a combined mode authenticates what it encrypts');
  }
  const common = commonFields(path, profile);
  const encapsulation = parseEncapsulation(`${path}.encapsulation`, profile.encapsulation);
  if (common.mode === 'transport' && encapsulation !== 'none') {
    throw new RejectionError(
      `${path}.encapsulation`,
      'unsupported_value',
      'transport mode is for paths without a NAT, where nothing carries ESP but IP',
    );
  }
  return { protocol: 'esp', ...cipher, ...common, encapsulation };
}

/** What would have to do with encryption is refused: whoever writes it takes AH for something that it is not. */
function parseAh(path: string, profile: Profile): AhProfile {
  const none = EncryptionAlgorithm.ENCRYPTION_ALGORITHM_UNSPECIFIED;
  if (profile.encryption !== none || profile.keyBits !== 0) {
    const field = profile.encryption === none ? 'key_bits' : 'encryption';
    throw new RejectionError(`${path}.${field}`, 'unexpected_value', 'AH encrypts nothing (RFC 4302 section 1)');
  }
  if (profile.encapsulation !== undefined) {
    throw new RejectionError(`${path}.encapsulation`, 'unexpected_value', 'nothing carries AH but IP');
  }
  if (profile.integrity !== IntegrityAlgorithm.INTEGRITY_ALGORITHM_HMAC_SHA2_256_128) {
    const what = profile.integrity ?? 'none';
    throw new RejectionError(`${path}.integrity`, 'unsupported_value', `algorithm ${what} is unknown here`);
  }
  return { protocol: 'ah', integrity: 'hmac-sha2-256-128', ...commonFields(path, profile) };
}

function commonFields(path: string, { mode, replayWindow, extendedSequenceNumbers }: Profile) {
  return {
    mode: parseMode(`${path}.mode`, mode),
    replayWindow: integerWithin(`${path}.replay_window`, replayWindow, MIN_REPLAY_WINDOW, MAX_REPLAY_WINDOW),
    extendedSequenceNumbers,
  };
}

function parseMode(path: string, value: IpsecMode | undefined): ProtectionProfile['mode'] {
  if (value === undefined) return 'tunnel';
  if (value === IpsecMode.IPSEC_MODE_TRANSPORT) return 'transport';
  throw new RejectionError(path, 'unsupported_value', `mode ${value} is unknown here`);
}

function parseEncapsulation(path: string, value: Encapsulation | undefined): EspEncapsulation {
  if (value === undefined) return 'udp';
  if (value === Encapsulation.ENCAPSULATION_NONE) return 'none';
  throw new RejectionError(path, 'unsupported_value', `encapsulation ${value} is unknown here`);
}

const MIN_REPLAY_WINDOW = 64;
const MAX_REPLAY_WINDOW = 4096;

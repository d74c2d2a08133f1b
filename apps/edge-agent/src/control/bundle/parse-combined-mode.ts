import { EncryptionAlgorithm } from '@weft/contracts/southbound';
import { RejectionError } from '../rejection.js';
import type { CombinedMode } from './verified-bundle.js';

/** Checks an algorithm that encrypts and authenticates at once, of ESP or of IKE, and the length of its keys. */
export function parseCombinedMode(
  path: string,
  { encryption, keyBits }: { readonly encryption: EncryptionAlgorithm; readonly keyBits: number },
): CombinedMode {
  switch (encryption) {
    case EncryptionAlgorithm.ENCRYPTION_ALGORITHM_AES_GCM_16:
      if (keyBits === 128 || keyBits === 192 || keyBits === 256) return { suite: 'aes-gcm-16', keyBits };
      throw badKeyBits(path, `AES has keys of 128, 192 or 256 bits, not ${keyBits}`);
    case EncryptionAlgorithm.ENCRYPTION_ALGORITHM_CHACHA20_POLY1305:
      if (keyBits === 256) return { suite: 'chacha20-poly1305', keyBits };
      throw badKeyBits(path, `ChaCha20 has keys of 256 bits, not ${keyBits}`);
    default:
      throw new RejectionError(`${path}.encryption`, 'unsupported_value', `algorithm ${encryption} is unknown here`);
  }
}

function badKeyBits(path: string, reason: string): RejectionError {
  return new RejectionError(`${path}.key_bits`, 'unsupported_value', reason);
}

import type { SecurityAssociationParameters, TravelParameters } from '@weft/ipsec-core';
import type { InstalledAssociation, Suite } from '@weft/ipsec-core/blind';
import type { EspProfile } from '../control/bundle/verified-bundle.js';

/** What the bundle in force says of the associations of a tunnel, and each end does for itself. */
export interface BlindForm {
  /** Packets, 64 to 4096. */
  readonly replayWindow: number;
  /** Milliseconds: none lives longer, whatever becomes of its root. */
  readonly hardLifetime: number;
  readonly travel: Readonly<Record<'inbound' | 'outbound', TravelParameters>>;
}

/** Everything that the ends have to agree in: another profile needs another root (ADR 26). */
export function suiteOf({ suite, keyBits, extendedSequenceNumbers, encapsulation }: EspProfile): Suite {
  const numbers = extendedSequenceNumbers ? 'esn' : 'no-esn';
  const travels = encapsulation === 'udp' ? 'udp' : 'native';
  return {
    name: `esp tunnel ${suite} ${keyBits} ${numbers} ${travels}`,
    keyingMaterialLength: keyBits / 8 + SALT_OCTETS,
  };
}

/** As the SAD takes it (RFC 4301 section 4.4.2). `keyingMaterial` is moved there. Throws RangeError for a suite that is none of `suiteOf`. */
export function blindAssociation(
  tunnelId: string,
  { direction, spi, suite, preferred }: Omit<InstalledAssociation, 'keyingMaterial'>,
  keyingMaterial: Uint8Array,
  { replayWindow, hardLifetime, travel }: BlindForm,
): SecurityAssociationParameters {
  const [, cipher, keyBits, numbers] = SUITE.exec(suite) ?? [];
  if (cipher === undefined || !isCombinedMode(cipher)) throw new RangeError(`"${suite}" is no suite of this agent.`);
  return {
    direction,
    tunnelId,
    spi,
    protocol: 'esp',
    mode: 'tunnel',
    suite: cipher,
    keyBits: Number(keyBits),
    keyingMaterial,
    extendedSequenceNumbers: numbers === 'esn',
    replayWindow,
    // Its root ends it; the packet path says when the key has protected what it may, and ends it when that was not heard.
    softLifetimeMilliseconds: hardLifetime,
    hardLifetimeMilliseconds: hardLifetime,
    // Every peer is an edge like this one, and checks later fragments (RFC 4301 section 7.3).
    nonFirstFragmentsAlso: true,
    ...(direction === 'outbound' && !preferred ? { standby: true } : {}),
    ...travel[direction],
  };
}

function isCombinedMode(name: string): name is EspProfile['suite'] {
  return name === 'aes-gcm-16' || name === 'chacha20-poly1305';
}

const SUITE = /^esp tunnel (aes-gcm-16|chacha20-poly1305) (128|192|256) (esn|no-esn) (?:udp|native)$/;
/** RFC 4106 section 8.1, RFC 7634 section 2. */
const SALT_OCTETS = 4;

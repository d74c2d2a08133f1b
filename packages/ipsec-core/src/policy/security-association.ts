import { createEspTransform, type EspTransform } from '../crypto/esp-transform.js';
import type { CryptoProvider, Direction } from '../crypto/provider.js';
import type { EncryptionName, IntegrityName } from '../crypto/suites.js';
import { SecurityAssociationError } from '../errors.js';
import { FIRST_SPI } from '../wire/esp.js';
import { AntiReplayWindow } from './anti-replay.js';
import { SequenceCounter } from './extended-sequence.js';
import { Lifetime } from './lifetime.js';

/** One SAD entry as its maker describes it (RFC 4301 section 4.4.2). */
export interface SecurityAssociationParameters {
  readonly direction: Direction;
  readonly tunnelId: string;
  /** Chosen by the receiver; 256 or more. */
  readonly spi: number;
  readonly protocol: 'esp';
  readonly mode: 'tunnel';
  readonly suite: EncryptionName;
  readonly keyBits: number;
  /** Needed exactly when the suite has no integrity of its own. */
  readonly integrity?: IntegrityName;
  /** Encryption key, salt, integrity key. The engine keeps no reference: wipe it after install. */
  readonly keyingMaterial: Uint8Array;
  readonly extendedSequenceNumbers: boolean;
  /** Packets, 64 to 4096. */
  readonly replayWindow: number;
  readonly softLifetimeMilliseconds: number;
  readonly hardLifetimeMilliseconds: number;
}

export interface AssociationOptions {
  readonly provider: CryptoProvider;
  readonly random: (out: Uint8Array) => void;
}

/** What both directions have. */
export class SecurityAssociation {
  readonly tunnelId: string;
  readonly spi: number;
  readonly suite: EncryptionName;
  readonly extendedSequenceNumbers: boolean;
  readonly transform: EspTransform;
  readonly lifetime: Lifetime;
  readonly installedAt: number;
  packets = 0;
  /** Inner octets. */
  bytes = 0;
  lastUsedAt: number | undefined;

  constructor(parameters: SecurityAssociationParameters, options: AssociationOptions, now: number) {
    const { spi, suite, keyBits, integrity } = parameters;
    if (!Number.isInteger(spi) || spi < FIRST_SPI || spi > LAST_SPI) {
      throw new SecurityAssociationError('SPI_RESERVED', `An SPI is ${FIRST_SPI} to ${LAST_SPI}, not ${spi}.`);
    }
    this.tunnelId = parameters.tunnelId;
    this.spi = spi;
    this.suite = suite;
    this.extendedSequenceNumbers = parameters.extendedSequenceNumbers;
    this.installedAt = now;
    this.lifetime = new Lifetime(now, parameters.softLifetimeMilliseconds, parameters.hardLifetimeMilliseconds);
    this.transform = createEspTransform({
      provider: options.provider,
      random: options.random,
      suite: { encryption: suite, keyBits, integrity },
      keyingMaterial: parameters.keyingMaterial,
      extendedSequenceNumbers: parameters.extendedSequenceNumbers,
      direction: parameters.direction,
    });
  }

  count(bytes: number, now: number): void {
    this.packets++;
    this.bytes += bytes;
    this.lastUsedAt = now;
  }
}

export class OutboundAssociation extends SecurityAssociation {
  readonly sequence: SequenceCounter;
  /** Set when a packet found no sequence number left; the association is over (RFC 4303 section 3.3.3). */
  exhausted = false;

  constructor(parameters: SecurityAssociationParameters, options: AssociationOptions, now: number) {
    super(parameters, options, now);
    this.sequence = new SequenceCounter(parameters.extendedSequenceNumbers);
  }
}

export class InboundAssociation extends SecurityAssociation {
  readonly window: AntiReplayWindow;

  constructor(parameters: SecurityAssociationParameters, options: AssociationOptions, now: number) {
    super(parameters, options, now);
    this.window = new AntiReplayWindow(parameters.replayWindow);
  }
}

const LAST_SPI = 0xffffffff;

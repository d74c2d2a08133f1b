import type { Alarm } from '../../src/blind/outputs.js';
import type { Refusal } from '../../src/blind/refusal.js';
import type { TunnelTerms } from '../../src/blind/terms.js';
import type { TunnelKeying } from '../../src/blind/tunnel-keying.js';
import { sha384Of } from '../../src/crypto/ike/hkdf.js';

export type Name = 'a' | 'b';

export const SECOND = 1_000;
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

function termsOf(local: Name, more: Partial<TunnelTerms> = {}): TunnelTerms {
  return {
    fabric: 'acme',
    tunnelId: 'a-b',
    local: `edge-${local}`,
    remote: `edge-${other(local)}`,
    epoch: 3n,
    suite: { name: 'esp aes-gcm-16 256 esn', keyingMaterialLength: 36 },
    softLifetime: 8 * HOUR,
    hardLifetime: 24 * HOUR,
    ...more,
  };
}

export function other(name: Name): Name {
  return name === 'a' ? 'b' : 'a';
}

export interface End {
  readonly name: Name;
  terms: TunnelTerms;
  keying: TunnelKeying | undefined;
  disk: Uint8Array | undefined;
  connected: boolean;
  /** How many outputs are still carried out before the power fails. */
  powerFor: number | undefined;
  boots: number;
  inbound: Map<number, Receiving>;
  outbound: Sending[];
  /** SPIs that something else of this edge has. */
  readonly foreignSpis: Set<number>;
  readonly refusals: Refusal[];
  readonly alarms: Alarm[];
  readonly published: Uint8Array[];
  /** Every octet string that this edge must keep to itself. */
  readonly secrets: Set<string>;
}

interface Receiving {
  readonly key: string;
  readonly root: number;
  readonly seen: Set<number>;
}

interface Sending {
  readonly spi: number;
  readonly key: string;
  readonly root: number;
  readonly preferred: boolean;
  sequence: number;
}

export function newEnd(name: Name, more: Partial<TunnelTerms>): End {
  return {
    name,
    terms: termsOf(name, more),
    keying: undefined,
    disk: undefined,
    connected: false,
    powerFor: undefined,
    boots: 0,
    inbound: new Map(),
    outbound: [],
    foreignSpis: new Set(),
    refusals: [],
    alarms: [],
    published: [],
    secrets: new Set(),
  };
}

/** Not a signature, and as good as one here: only who has the name's secret makes it. */
export function signatureOf(name: Name, octets: Uint8Array): Uint8Array {
  return sha384Of(Uint8Array.of(0x73, name.charCodeAt(0)), octets);
}

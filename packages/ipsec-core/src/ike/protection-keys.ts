import { type IkeKeys, wipeKeys } from '../crypto/ike/key-schedule.js';
import type { MessageProtection } from './protection.js';

/** The keys of one IKE SA, and what seals and opens its messages with them. IKE_INTERMEDIATE replaces both (RFC 9242). */
export class ProtectionKeys {
  readonly keys: IkeKeys;
  readonly current: MessageProtection;
  /** Of the keys before the latest IKE_INTERMEDIATE, whose request the peer may repeat. */
  readonly previous: MessageProtection | undefined;

  constructor(keys: IkeKeys, current: MessageProtection, previous?: MessageProtection) {
    this.keys = keys;
    this.current = current;
    this.previous = previous;
  }

  /** Of those before, only the last are kept. */
  succeededBy(keys: IkeKeys, next: MessageProtection): ProtectionKeys {
    this.previous?.destroy();
    return new ProtectionKeys(keys, next, this.current);
  }

  /** Without those before. */
  alone(): ProtectionKeys {
    if (this.previous === undefined) return this;
    this.previous.destroy();
    return new ProtectionKeys(this.keys, this.current);
  }

  destroy(): void {
    this.current.destroy();
    this.previous?.destroy();
    wipeKeys(this.keys);
  }
}

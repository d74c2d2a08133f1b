import type { KeyingEffect } from './keying-event.js';
import {
  DELETE_ASSOCIATIONS_TIMEOUT_MILLISECONDS,
  DELETE_RETRY_MILLISECONDS,
  DRAIN_MILLISECONDS,
  INSTALL_INBOUND_TIMEOUT_MILLISECONDS,
  INSTALL_OUTBOUND_TIMEOUT_MILLISECONDS,
  retryPauseMilliseconds,
} from './keying-timing.js';
import { type Leftovers, supersededLeftovers } from './leftovers.js';
import {
  type AssociationPair,
  type Attempt,
  type EndKeying,
  inboundSpi,
  type KeyingCommand,
  type KeyingFailure,
  outboundSpi,
  type PendingCommand,
  SIDES,
  type Side,
  type TunnelKeying,
  type TunnelSpec,
} from './tunnel-keying.js';

/** The next TunnelKeying while one event is worked in; lives inside of one call of `advanceTunnel`. */
export class TunnelDraft {
  readonly effects: KeyingEffect[] = [];
  readonly now: number;
  readonly ends: readonly [EndDraft, EndDraft];
  spec: TunnelSpec;
  wanted: boolean;
  attempt: Attempt | undefined;
  current: AssociationPair | undefined;
  abandoned: AssociationPair[];
  rekeyWanted: boolean;
  retireNotBefore: number;
  attemptNotBefore: number;
  readonly #before: TunnelKeying;
  #failures: number;
  #lastFailure: KeyingFailure | undefined;
  #commandsSent: number;
  #rekeys: number;

  constructor(before: TunnelKeying, now: number) {
    this.#before = before;
    this.now = now;
    this.ends = [draftOf(before.ends[0]), draftOf(before.ends[1])];
    this.spec = before.spec;
    this.wanted = before.wanted;
    this.attempt = before.attempt;
    this.current = before.current;
    this.abandoned = [...before.abandoned];
    this.rekeyWanted = before.rekeyWanted;
    this.retireNotBefore = before.retireNotBefore;
    this.attemptNotBefore = before.attemptNotBefore;
    this.#failures = before.failures;
    this.#lastFailure = before.lastFailure;
    this.#commandsSent = before.commandsSent;
    this.#rekeys = before.rekeys;
  }

  name(side: Side): string {
    return this.spec.ends[side].name;
  }

  tell(level: 'info' | 'warn', story: string): void {
    this.effects.push({ kind: 'story', level, story });
  }

  connected(side: Side, inbound: readonly number[], outbound: readonly number[]): void {
    const end = this.ends[side];
    end.connected = true;
    end.ready = false;
    end.pending = undefined;
    end.deleteNotBefore = 0;
    end.inbound = new Map(inbound.map((spi) => [spi, 'confirmed']));
    end.outbound = new Map(outbound.map((spi) => [spi, 'confirmed']));
  }

  /** What the end holds stays as it was last known; its data plane runs on. */
  disconnected(side: Side): void {
    const end = this.ends[side];
    end.connected = false;
    end.ready = false;
    end.pending = undefined;
  }

  /** The end has nothing any more, save for what a command under way may bring. */
  forgetAssociations(side: Side): void {
    const end = this.ends[side];
    end.ready = false;
    end.inbound = new Map();
    end.outbound = new Map();
    if (end.pending !== undefined) expect(end, end.pending.command);
  }

  /** Sends a command unless the end is busy with another one. */
  send(side: Side, command: KeyingCommand): void {
    const end = this.ends[side];
    if (end.pending !== undefined) return;
    this.#commandsSent += 1;
    const commandId = `${this.#before.tunnelId}/${this.#commandsSent}`;
    end.pending = { commandId, command, deadline: this.now + TIMEOUTS[command.step], overdue: false };
    expect(end, command);
    this.effects.push({ kind: 'command', side, commandId, command });
  }

  sendDeletion(side: Side, { inbound, outbound }: Leftovers): void {
    if (inbound.length + outbound.length > 0) this.send(side, { step: 'delete', inbound, outbound });
  }

  /** The pending command that is answered; undefined when the answer is to something else. */
  takePending(side: Side, commandId: string): PendingCommand | undefined {
    const { pending } = this.ends[side];
    if (pending?.commandId !== commandId) return undefined;
    this.ends[side].pending = undefined;
    return pending;
  }

  postponeDeletion(side: Side, reason: string): void {
    this.ends[side].deleteNotBefore = this.now + DELETE_RETRY_MILLISECONDS;
    this.tell('warn', `${this.name(side)} refused to delete associations and is asked again: ${reason}`);
  }

  /** Gives the attempt under way up; what it has left is rolled back. Nothing happens without one. */
  abandon(reason: string, level: 'info' | 'warn'): void {
    if (this.attempt === undefined) return;
    this.abandoned.push(this.attempt.pair);
    this.#endAttempt(this.attempt);
    this.tell(level, `the new associations are given up: ${reason}`);
  }

  /** Like `abandon`, for a reason that calls for a pause. */
  fail(side: Side, reason: string): void {
    if (this.attempt === undefined) return;
    this.#failures += 1;
    this.#lastFailure = { side, reason };
    this.attemptNotBefore = this.now + retryPauseMilliseconds(this.#failures);
    this.abandon(reason, 'warn');
  }

  succeed(): void {
    if (this.attempt === undefined) return;
    const { pair } = this.attempt;
    this.#endAttempt(this.attempt);
    this.current = pair;
    // Whatever failed before is older than what is in use now.
    this.abandoned = [];
    this.rekeyWanted = false;
    this.#failures = 0;
    this.#lastFailure = undefined;
    const replaced = SIDES.some((side) => {
      const { inbound, outbound } = supersededLeftovers(this, pair, side);
      return inbound.length + outbound.length > 0;
    });
    if (replaced) {
      this.#rekeys += 1;
      this.retireNotBefore = this.now + DRAIN_MILLISECONDS;
    }
    this.tell('info', replaced ? 'the associations of the tunnel are replaced' : 'the tunnel is established');
  }

  finish(): TunnelKeying {
    return {
      tunnelId: this.#before.tunnelId,
      spec: this.spec,
      wanted: this.wanted,
      ends: [this.ends[0], this.ends[1]],
      attempt: this.attempt,
      current: this.current,
      abandoned: this.abandoned.filter((pair) => SIDES.some((side) => hasTraceOf(pair, side, this.ends[side]))),
      rekeyWanted: this.rekeyWanted,
      retireNotBefore: this.retireNotBefore,
      attemptNotBefore: this.attemptNotBefore,
      failures: this.#failures,
      lastFailure: this.#lastFailure,
      commandsSent: this.#commandsSent,
      rekeys: this.#rekeys,
    };
  }

  #endAttempt({ keys }: Attempt): void {
    this.effects.push({ kind: 'wipe', keys: keys[0] }, { kind: 'wipe', keys: keys[1] });
    this.attempt = undefined;
  }
}

interface EndDraft extends EndKeying {
  connected: boolean;
  ready: boolean;
  pending: PendingCommand | undefined;
  inbound: Map<number, 'possible' | 'confirmed'>;
  outbound: Map<number, 'possible' | 'confirmed'>;
  deleteNotBefore: number;
}

function draftOf(end: EndKeying): EndDraft {
  return { ...end, inbound: new Map(end.inbound), outbound: new Map(end.outbound) };
}

/** From the moment an installation is sent, the association may be there. */
function expect(end: EndDraft, command: KeyingCommand): void {
  if (command.step === 'install_inbound') end.inbound.set(command.spi, 'possible');
  if (command.step === 'install_outbound') end.outbound.set(command.spi, 'possible');
}

function hasTraceOf(pair: AssociationPair, side: Side, end: EndKeying): boolean {
  return end.inbound.has(inboundSpi(pair, side)) || end.outbound.has(outboundSpi(pair, side));
}

const TIMEOUTS: Readonly<Record<KeyingCommand['step'], number>> = {
  install_inbound: INSTALL_INBOUND_TIMEOUT_MILLISECONDS,
  install_outbound: INSTALL_OUTBOUND_TIMEOUT_MILLISECONDS,
  delete: DELETE_ASSOCIATIONS_TIMEOUT_MILLISECONDS,
};

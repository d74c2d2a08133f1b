import type { KeyingEffect, KeyingEnvironment, KeyingEvent } from './keying-event.js';
import { abandonedLeftovers, supersededLeftovers, wholeOf } from './leftovers.js';
import { TunnelDraft } from './tunnel-draft.js';
import { inboundSpi, outboundSpi, SIDES, type Side, type TunnelKeying, type TunnelSpec } from './tunnel-keying.js';

export interface Advance {
  readonly state: TunnelKeying;
  readonly effects: readonly KeyingEffect[];
  /**
   * When the next `tick` is due, later than the `now` of this step; undefined when nothing waits for time. It belongs
   * to this step: taken from a later look at the clock, a deadline between the two looks would be missed for ever.
   */
  readonly wakeAt: number | undefined;
}

/**
 * One step of the keying of a tunnel by the procedures of RFC 9061 appendix D: new inbound associations at both ends,
 * after both confirmed new outbound ones, after both confirmed deletion of what they replace. What fails is rolled
 * back outbound first: an inbound association goes only when its peer is known not to send on it.
 *
 * Appendix D.3 deletes the associations of the healthy peer first when the other lost its state. Here they go last,
 * as in every other case: the lost peer cannot read what they protect either way, and one order serves all.
 *
 * A decision is taken from what is known of both ends, never from the history of events, so that a lost answer, a
 * reconnect and a restart of the controller need no case of their own.
 */
export function advanceTunnel(state: TunnelKeying, event: KeyingEvent, environment: KeyingEnvironment): Advance {
  const draft = new TunnelDraft(state, environment.now);
  absorb(draft, event);
  endOverdueSessions(draft);
  pursueAttempt(draft);
  if (draft.attempt === undefined) {
    cleanUp(draft);
    startAttempt(draft, environment);
  }
  const after = draft.finish();
  return { state: after, effects: draft.effects, wakeAt: nextDeadline(after, environment.now) };
}

function nextDeadline(state: TunnelKeying, now: number): number | undefined {
  const times = [
    ...state.ends.flatMap((end) => (end.pending === undefined || end.pending.overdue ? [] : [end.pending.deadline])),
    ...state.ends.map((end) => end.deleteNotBefore),
    state.retireNotBefore,
    state.attemptNotBefore,
  ].filter((time) => time > now);
  return times.length === 0 ? undefined : Math.min(...times);
}

function absorb(draft: TunnelDraft, event: KeyingEvent): void {
  switch (event.kind) {
    case 'connected':
      absorbHello(draft, event.side, event.inbound, event.outbound);
      break;
    case 'lost':
      draft.abandon(`the session with ${draft.name(event.side)} ended`, 'info');
      draft.disconnected(event.side);
      break;
    case 'ready':
      draft.ends[event.side].ready = true;
      break;
    case 'unready':
      draft.abandon(`${draft.name(event.side)} runs another bundle`, 'info');
      draft.ends[event.side].ready = false;
      break;
    case 'dropped':
      draft.abandon(`${draft.name(event.side)} runs a bundle without the tunnel`, 'info');
      draft.current = undefined;
      draft.forgetAssociations(event.side);
      break;
    case 'answered':
      absorbAnswer(draft, event);
      break;
    case 'expiring':
      absorbExpiring(draft, event.side, event.inbound, event.spi);
      break;
    case 'wanted':
      absorbSpec(draft, event.spec);
      break;
    case 'unwanted':
      draft.abandon('the tunnel was removed', 'info');
      draft.wanted = false;
      draft.current = undefined;
      break;
    case 'tick':
      break;
  }
}

function absorbHello(draft: TunnelDraft, side: Side, inbound: readonly number[], outbound: readonly number[]): void {
  draft.abandon(`${draft.name(side)} connected again`, 'info');
  const before = draft.ends[side];
  const foreign = inbound.some((spi) => !before.inbound.has(spi)) || outbound.some((spi) => !before.outbound.has(spi));
  draft.connected(side, inbound, outbound);
  const { current } = draft;
  if (current === undefined) return;
  if (!inbound.includes(inboundSpi(current, side)) || !outbound.includes(outboundSpi(current, side))) {
    draft.current = undefined;
    draft.tell('warn', `${draft.name(side)} has lost associations; the tunnel is established anew`);
  } else if (foreign) {
    // Somebody else has made associations; which one is in use cannot be told, so all are replaced.
    draft.rekeyWanted = true;
  }
}

function absorbAnswer(draft: TunnelDraft, event: KeyingEvent & { kind: 'answered' }): void {
  const pending = draft.takePending(event.side, event.commandId);
  if (pending === undefined) return;
  const { command } = pending;
  const end = draft.ends[event.side];
  if (command.step === 'delete') {
    if (event.rejection === undefined) {
      for (const spi of command.inbound) end.inbound.delete(spi);
      for (const spi of command.outbound) end.outbound.delete(spi);
    } else {
      draft.postponeDeletion(event.side, event.rejection.reason);
    }
    return;
  }
  const known = command.step === 'install_inbound' ? end.inbound : end.outbound;
  if (event.rejection === undefined) {
    known.set(command.spi, 'confirmed');
  } else {
    known.delete(command.spi);
    draft.fail(event.side, `${draft.name(event.side)} refused ${command.step}: ${event.rejection.reason}`);
  }
}

function absorbExpiring(draft: TunnelDraft, side: Side, inbound: boolean, spi: number): void {
  if (draft.current === undefined) return;
  const current = inbound ? inboundSpi(draft.current, side) : outboundSpi(draft.current, side);
  if (current === spi) draft.rekeyWanted = true;
}

function absorbSpec(draft: TunnelDraft, spec: TunnelSpec): void {
  draft.wanted = true;
  if (sameSpec(draft.spec, spec)) return;
  draft.abandon('the tunnel was changed', 'info');
  draft.spec = spec;
  // Whether the ends run a bundle that says the same is yet to be heard.
  for (const side of SIDES) draft.ends[side].ready = false;
  draft.rekeyWanted = draft.current !== undefined;
}

function endOverdueSessions(draft: TunnelDraft): void {
  for (const side of SIDES) {
    const { pending } = draft.ends[side];
    if (pending === undefined || pending.overdue || pending.deadline > draft.now) continue;
    draft.ends[side].pending = { ...pending, overdue: true };
    const reason = `${draft.name(side)} did not answer ${pending.command.step} in time`;
    draft.fail(side, reason);
    draft.effects.push({ kind: 'disconnect', side, reason });
  }
}

function pursueAttempt(draft: TunnelDraft): void {
  const { attempt } = draft;
  if (attempt === undefined) return;
  const { pair, keys } = attempt;
  if (attempt.step === 'inbound') {
    for (const side of SIDES) {
      if (draft.ends[side].inbound.has(inboundSpi(pair, side))) continue;
      draft.send(side, { step: 'install_inbound', spi: inboundSpi(pair, side), keys: keys[side] });
    }
    if (!SIDES.every((side) => draft.ends[side].inbound.get(inboundSpi(pair, side)) === 'confirmed')) return;
    draft.attempt = { ...attempt, step: 'outbound' };
  }
  for (const side of SIDES) {
    if (draft.ends[side].outbound.has(outboundSpi(pair, side))) continue;
    const towards = side === 0 ? keys[1] : keys[0];
    draft.send(side, { step: 'install_outbound', spi: outboundSpi(pair, side), keys: towards });
  }
  if (SIDES.every((side) => draft.ends[side].outbound.get(outboundSpi(pair, side)) === 'confirmed')) draft.succeed();
}

/** Deletes what may go now, one command per end. */
function cleanUp(draft: TunnelDraft): void {
  for (const side of SIDES) {
    const end = draft.ends[side];
    if (!end.connected || end.pending !== undefined || draft.now < end.deleteNotBefore) continue;
    if (!draft.wanted) {
      draft.sendDeletion(side, wholeOf(end));
      continue;
    }
    const abandoned = abandonedLeftovers(draft, side);
    const superseded =
      draft.current === undefined || draft.now < draft.retireNotBefore
        ? []
        : [supersededLeftovers(draft, draft.current, side)];
    draft.sendDeletion(side, {
      inbound: [abandoned, ...superseded].flatMap((leftover) => leftover.inbound),
      outbound: [abandoned, ...superseded].flatMap((leftover) => leftover.outbound),
    });
  }
}

function startAttempt(draft: TunnelDraft, environment: KeyingEnvironment): void {
  const needed = draft.wanted && (draft.current === undefined || draft.rekeyWanted);
  const able = draft.ends.every((end) => end.connected && end.ready && end.pending === undefined);
  if (!needed || !able || draft.now < draft.attemptNotBefore) return;
  // Two replacements at once would leave three pairs: the first one drains before the next begins.
  if (draft.current !== undefined && draft.now < draft.retireNotBefore) return;
  draft.attempt = {
    step: 'inbound',
    pair: { spis: [environment.spi(0), environment.spi(1)] },
    keys: [environment.keyingMaterial(), environment.keyingMaterial()],
  };
  draft.tell(
    'info',
    draft.current === undefined ? 'establishing the tunnel' : 'replacing the associations of the tunnel',
  );
  pursueAttempt(draft);
}

function sameSpec(left: TunnelSpec, right: TunnelSpec): boolean {
  return JSON.stringify(withoutNames(left)) === JSON.stringify(withoutNames(right));
}

/** A renamed edge needs no new keys. */
function withoutNames({ ends, profile }: TunnelSpec): unknown[] {
  return [...ends.flatMap((end) => [end.edgeId, end.address, end.port]), profile];
}

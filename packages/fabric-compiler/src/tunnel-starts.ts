import type { FabricIntent, TunnelStart } from './intent.js';
import type { CompileProblem } from './problem.js';

export const AT_ONCE: TunnelStart = { kind: 'start' };

export type Trap = Extract<TunnelStart, { readonly kind: 'trap' }>;

/**
 * When a tunnel is negotiated that two rules send packets through. A pair of edges has one IKE SA: of what several rules want for it, the
 * tunnel has what no rule misses anything by (ADR 33): what is there earlier, or stays longer, carries everything that the other one
 * would. The order of rules says nothing here.
 */
export function soonestStart(one: TunnelStart, other: TunnelStart): TunnelStart {
  if (one.kind === 'start' || other.kind === 'start') return AT_ONCE;
  if (one.idleSeconds === undefined || other.idleSeconds === undefined) return { kind: 'trap' };
  return { kind: 'trap', idleSeconds: Math.max(one.idleSeconds, other.idleSeconds) };
}

/** Reports tunnels that are to wait for traffic where edges do not negotiate: there is nothing that a packet could begin. */
export function reportUnfitStarts(intent: FabricIntent, problems: CompileProblem[]): void {
  const { keyingMode = 'ike-less', tunnelStart, policies } = intent;
  if (keyingMode === 'ikev2') return;
  const waits = (start: TunnelStart | undefined) => start?.kind === 'trap';
  const rules = policies.flatMap(({ enabled, rules }, policy) =>
    rules.flatMap(({ name, action, tunnelStart: own, ...rule }, index) =>
      enabled && rule.enabled !== false && action === 'PROTECT' && waits(own)
        ? [{ pointer: `/policies/${policy}/rules/${index}/tunnelStart`, who: `The rule "${name}"` }]
        : [],
    ),
  );
  for (const { pointer, who } of [
    ...(waits(tunnelStart) ? [{ pointer: '/tunnelStart', who: 'The tenant' }] : []),
    ...rules,
  ]) {
    problems.push({
      pointer,
      rule: 'trap_without_negotiation',
      detail: `${who} has tunnels negotiated when there is traffic for them, and the tenant's edges do not negotiate: its keying mode is ${keyingMode}.`,
      fix: 'Let the edges negotiate (ikev2), or have tunnels start at once.',
    });
  }
}

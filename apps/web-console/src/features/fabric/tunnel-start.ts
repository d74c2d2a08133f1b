import { sentence } from '../../api/field-errors.js';
import type { ProblemEntry, TunnelStart } from '../../api/index.js';

/** When tunnels start, as a form holds it: seconds are text until they are sent. */
export interface TunnelStartValues {
  /** `tenant`: of a rule, as the tenant has it. */
  readonly kind: TunnelStart['kind'] | 'tenant';
  /** Empty: without traffic a tunnel stays. */
  readonly idleSeconds: string;
}

/** In the order in which they are offered; the first is what a new tenant has. */
export const TUNNEL_STARTS: readonly {
  readonly value: TunnelStart['kind'];
  readonly label: string;
  readonly meaning: string;
}[] = [
  {
    value: 'start',
    label: 'At once',
    meaning: 'Edges negotiate as soon as they know of a tunnel, and again whenever it is lost.',
  },
  {
    value: 'trap',
    label: 'When there is traffic',
    meaning:
      'The first packets are dropped until the edges have negotiated (RFC 4301 section 5.1). Edges must negotiate (IKEv2); tunnels of a site with several edges start at once all the same.',
  },
];

export function tunnelStartValues(start: TunnelStart | null): TunnelStartValues {
  const idleSeconds = start?.kind === 'trap' ? start.idleSeconds : undefined;
  return { kind: start?.kind ?? 'tenant', idleSeconds: idleSeconds === undefined ? '' : String(idleSeconds) };
}

export type TunnelStartReading =
  | { readonly ok: true; readonly start: TunnelStart | null }
  | { readonly ok: false; readonly reason: string };

/** What the form says; null: as the tenant has it. The bounds are the controller's. */
export function readTunnelStart({ kind, idleSeconds }: TunnelStartValues): TunnelStartReading {
  if (kind === 'tenant') return { ok: true, start: null };
  if (kind === 'start') return { ok: true, start: { kind } };
  const text = idleSeconds.trim();
  if (text === '') return { ok: true, start: { kind } };
  const seconds = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= MIN_IDLE_SECONDS && seconds <= MAX_IDLE_SECONDS)
    return { ok: true, start: { kind, idleSeconds: seconds } };
  return { ok: false, reason: `Give ${MIN_IDLE_SECONDS} to ${MAX_IDLE_SECONDS} whole seconds, or nothing: it stays.` };
}

/** As a person says it, behind the name of what has it. */
export function describeTunnelStart(start: TunnelStart): string {
  if (start.kind === 'start') return 'starts at once';
  if (start.idleSeconds === undefined) return 'waits for traffic, then stays';
  return `waits for traffic, ends after ${start.idleSeconds} s without`;
}

export function sameTunnelStart(one: TunnelStart | null, other: TunnelStart | null): boolean {
  const [left, right] = [tunnelStartValues(one), tunnelStartValues(other)];
  return left.kind === right.kind && left.idleSeconds === right.idleSeconds;
}

/** What is wrong with the draft because of the tenant's choice; at rules it is said there. */
export function tunnelStartProblems(problems: readonly ProblemEntry[]): readonly string[] {
  return problems.filter(({ pointer }) => pointer === '/tunnelStart').map(sentence);
}

const MIN_IDLE_SECONDS = 10;
const MAX_IDLE_SECONDS = 2_592_000;

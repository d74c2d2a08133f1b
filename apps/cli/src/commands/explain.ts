import type { ExplainedHop, Explanation, SpdEntry } from '@weft/contracts/rest';
import type { Connection } from '../api/connection.js';
import { answerOf } from '../api/refusal.js';
import { type Io, print, printJson } from '../cli/io.js';
import { withProgress } from '../output/progress.js';
import { printable } from '../output/table.js';
import { EXIT_OK, EXIT_REFUSED, type ExitCode } from '../platform/exit-code.js';
import type { DescribedPacket } from './described-packet.js';

export const VERDICTS = [
  'protected',
  'discarded',
  'unreachable',
  'not_in_fabric',
] as const satisfies readonly Explanation['verdict'][];

export interface ExplainOptions {
  readonly json: boolean;
  /** Undefined: the draft. */
  readonly revision: number | undefined;
  /** Any other verdict is a no. */
  readonly expect: Explanation['verdict'] | undefined;
}

/** `weft explain`: what becomes of a packet, and why. */
export async function explainPacket(
  io: Io,
  connection: Connection,
  packet: DescribedPacket,
  options: ExplainOptions,
): Promise<ExitCode> {
  const explanation = await withProgress(io.notes, 'explaining', ask(connection, packet, options.revision));
  if (options.json) printJson(io, explanation);
  else print(io, renderExplanation(explanation));
  return options.expect === undefined || explanation.verdict === options.expect ? EXIT_OK : EXIT_REFUSED;
}

function ask(
  { client, tenantId }: Connection,
  query: DescribedPacket,
  revision: number | undefined,
): Promise<Explanation> {
  if (revision === undefined) {
    const params = { path: { tenantId }, query };
    return answerOf(client.GET('/api/v1/tenants/{tenantId}/revisions/draft/explanation', { params }));
  }
  const params = { path: { tenantId, number: revision }, query };
  return answerOf(client.GET('/api/v1/tenants/{tenantId}/revisions/{number}/explanation', { params }));
}

/** Pure. */
export function renderExplanation({ packet, verdict, detail, rule, ruleSince, hops, revision }: Explanation): string {
  const by = revision === null ? 'by the draft' : `by revision ${revision.number}`;
  const since = ruleSince === null ? '' : `, since revision ${ruleSince.number} by ${ruleSince.author}`;
  const line =
    rule === null
      ? 'none'
      : `${rule.policyName} / ${rule.ruleName} (${rule.action}, ${rule.position} in order)${since}`;
  return [
    `${packet.text}: ${verdict.replaceAll('_', ' ')}, ${by}`,
    `  ${detail}`,
    `  policy line: ${line}`,
    ...hops.map(renderHop),
  ]
    .map((text) => text.split('\n').map(printable).join('\n'))
    .join('\n');
}

function renderHop({ from, to, outbound, inbound, association, encapsulation }: ExplainedHop): string {
  const { keyingMode, mode, esp, ah, tunnelStart } = association;
  const protection = esp === null ? `AH ${ah?.integrity ?? ''}` : `ESP ${esp.encryption} ${esp.keyBits}`;
  return [
    `  ${from.name} → ${to.name}: ${protection}, ${mode} mode, ${keyingMode}${tunnelStart?.kind === 'trap' ? ', negotiated when there is traffic' : ''}`,
    `    ${outbound === null ? 'out: none of ours' : renderEntry('out', outbound)}`,
    `    ${inbound === null ? 'in: none of ours' : renderEntry('in', inbound)}`,
    `    packets of at most ${encapsulation.innerMtu} octets, which become ${encapsulation.outerLength} outside`,
  ].join('\n');
}

function renderEntry(side: 'in' | 'out', { edge, position, action, direction, services }: SpdEntry): string {
  return `${side}: SPD entry ${position} of ${edge.name}, ${action}, ${direction}, ${services.join(' ')}`;
}

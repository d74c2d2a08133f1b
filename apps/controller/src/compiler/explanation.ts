import {
  type CompiledFabric,
  type ExplainedEnd,
  type ExplainedEntry,
  type ExplainedHop,
  explainPacket,
  type FabricIntent,
  parseAddressText,
  writtenEntry,
} from '@weft/fabric-compiler';
import type { CompiledFabrics } from './compiled-fabrics.js';
import type { AskedPacket, CompilerAnswers, ReportedEnd, ReportedHop } from './compiler-job.js';
import { reportedPacket } from './report.js';

/** Explains one packet by an intent. */
export function explain(
  intent: FabricIntent,
  asked: AskedPacket,
  fabrics: CompiledFabrics,
): CompilerAnswers['explanation'] {
  const compiled = fabrics.compile(intent);
  if (!compiled.ok) return compiled;
  const { fabric } = compiled;
  const [source, destination] = [parseAddressText(asked.source), parseAddressText(asked.destination)];
  if (source === undefined || destination === undefined || source.family !== destination.family) {
    throw new Error('whoever asks has checked that both are addresses of one IP version');
  }
  const packet = { ...asked, family: source.family, source: source.value, destination: destination.value };
  const { verdict, rule, ...ends } = explainPacket(fabric, packet);
  return {
    ok: true,
    explanation: {
      packet: reportedPacket(packet),
      verdict,
      rule: rule ?? null,
      source: endOf(ends.source),
      destination: endOf(ends.destination),
      hops: ends.hops.map((hop) => hopOf(hop, fabric)),
    },
  };
}

function endOf(end: ExplainedEnd | undefined): ReportedEnd | null {
  if (end === undefined) return null;
  return { ...end, edgeId: end.edgeId ?? null };
}

function hopOf(hop: ExplainedHop, fabric: CompiledFabric): ReportedHop {
  const written = (entry: ExplainedEntry | undefined) => (entry === undefined ? null : writtenEntry(entry, fabric));
  return { ...hop, outbound: written(hop.outbound), inbound: written(hop.inbound) };
}

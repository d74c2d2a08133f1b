import {
  type FabricIntent,
  type FabricProof,
  type Finding,
  type FlowChange,
  formatAddressText,
  formatPacket,
  type Packet,
} from '@weft/fabric-compiler';
import type { ReportedFinding, ReportedFlow, ReportedPacket } from './compiler-job.js';

/** A finding in words that cross threads and the network, with the line of the intent that it is about. */
export function reportedFinding(finding: Finding, { tests }: FabricProof, intent: FabricIntent): ReportedFinding {
  const { kind, detail, fix, edgeIds, ruleId, counterexample } = finding;
  const testIndex = tests.findIndex(({ findings }) => findings.includes(finding));
  const line = policyLine(intent, ruleId);
  return {
    kind,
    detail,
    fix,
    pointer: testIndex >= 0 ? `/policyTests/${testIndex}` : (line?.pointer ?? ''),
    edgeIds,
    policyLine: line?.line ?? null,
    policyTestId: tests[testIndex]?.test.id ?? null,
    counterexample: counterexample === undefined ? null : reportedPacket(counterexample),
  };
}

export function reportedFlow({ example, ruleBefore, ruleAfter, ...flow }: FlowChange): ReportedFlow {
  return { ...flow, example: reportedPacket(example), ruleBefore: ruleBefore ?? null, ruleAfter: ruleAfter ?? null };
}

export function reportedPacket(packet: Packet): ReportedPacket {
  const { family, protocol, sourcePort, destinationPort } = packet;
  return {
    text: formatPacket(packet),
    source: formatAddressText({ family, value: packet.source }),
    destination: formatAddressText({ family, value: packet.destination }),
    protocol,
    sourcePort,
    destinationPort,
  };
}

/** Where a rule stands, and what it is called. */
function policyLine(intent: FabricIntent, ruleId: string | undefined) {
  for (const [policyIndex, policy] of intent.policies.entries()) {
    const ruleIndex = policy.rules.findIndex(({ id }) => id === ruleId);
    const rule = policy.rules[ruleIndex];
    if (rule === undefined) continue;
    const line = { policyId: policy.id, policyName: policy.name, ruleId: rule.id, ruleName: rule.name };
    return { pointer: `/policies/${policyIndex}/rules/${ruleIndex}`, line };
  }
  return undefined;
}

import type { ReactNode } from 'react';
import type { Finding } from '../../../api/index.js';
import { WarningIcon } from '../../../ui/icons.js';
import { FINDING_TITLES } from '../wording.js';

/** Proofs that failed, each with the packet that shows it, the policy line and what to do. */
export function FindingList({ findings }: { readonly findings: readonly Finding[] }): ReactNode {
  return (
    <ul className="w-problems w-findings">
      {findings.map((finding) => (
        <li key={`${finding.kind} ${finding.pointer} ${finding.detail}`} data-finding={finding.kind}>
          <WarningIcon size={15} aria-hidden />
          <div>
            <b>{FINDING_TITLES[finding.kind]}</b>
            <div>{finding.detail}</div>
            {finding.counterexample !== null && (
              <div>
                Packet <code>{finding.counterexample.text}</code>
              </div>
            )}
            {finding.policyLine !== null && (
              <div>
                Policy “{finding.policyLine.policyName}”, rule “{finding.policyLine.ruleName}”
              </div>
            )}
            {finding.edges.length > 0 && <div>Edges: {finding.edges.map(({ name }) => name).join(', ')}</div>}
            <div className="w-dim">{finding.fix}</div>
          </div>
        </li>
      ))}
    </ul>
  );
}

import type { Draft, PolicyTest } from '@weft/contracts/rest';
import type { Connection } from '../api/connection.js';
import { readAll } from '../api/pages.js';
import { answerOf } from '../api/refusal.js';
import { type Io, print, printJson } from '../cli/io.js';
import { withProgress } from '../output/progress.js';
import { renderEntry } from '../output/render-problem.js';
import { renderTable } from '../output/table.js';
import { EXIT_OK, EXIT_REFUSED, type ExitCode } from '../platform/exit-code.js';
import { renderFinding } from './publish.js';

export interface TestedDraft {
  readonly passed: boolean;
  readonly tests: readonly { readonly id: string; readonly name: string; readonly passed: boolean | null }[];
  /** Why the draft does not compile, so that no test could be held against it. */
  readonly problems: Draft['problems'];
  /** All that the proof has found, failed tests among it. */
  readonly findings: Draft['findings'];
}

/** `weft test`: the policy tests, held against the draft, and its proof. A failed test is a no. */
export async function testDraft(io: Io, { client, tenantId }: Connection, json: boolean): Promise<ExitCode> {
  const draft = answerOf(client.GET('/api/v1/tenants/{tenantId}/revisions/draft', { params: { path: { tenantId } } }));
  const work = Promise.all([readAll(client, tenantId, '/api/v1/tenants/{tenantId}/policy-tests'), draft]);
  const result = judge(...(await withProgress(io.notes, 'testing the draft', work)));
  if (json) printJson(io, result);
  else print(io, renderTests(result));
  return result.passed ? EXIT_OK : EXIT_REFUSED;
}

/** A test has passed when the draft compiles and the proof does not name it. Pure. */
export function judge(tests: readonly PolicyTest[], { problems, findings }: Draft): TestedDraft {
  const failed = new Set(findings.map(({ policyTestId }) => policyTestId));
  return {
    passed: problems.length === 0 && findings.length === 0,
    tests: tests.map(({ id, name }) => ({ id, name, passed: problems.length > 0 ? null : !failed.has(id) })),
    problems,
    findings,
  };
}

function renderTests({ passed, tests, problems, findings }: TestedDraft): string {
  const words = (result: boolean | null) => (result === null ? 'not run' : result ? 'passed' : 'FAILED');
  return [
    ...(tests.length === 0
      ? []
      : [
          renderTable(
            ['result', 'test'],
            tests.map((test) => [words(test.passed), test.name]),
          ),
        ]),
    ...problems.map(renderEntry),
    ...findings.map(renderFinding),
    passed ? `the draft passes its proof and ${tests.length} tests` : 'the draft does not pass',
  ].join('\n');
}

/** What docs/rfc-coverage.md says, checked. */
export interface Coverage {
  readonly tested: number;
  readonly open: number;
  readonly declined: number;
  readonly notApplicable: number;
  /** `line: what is wrong`. */
  readonly faults: readonly string[];
}

/**
 * Checks every row `| RFC §section | level | requirement | proof |`. A proof is a test, as `file › title` (several are
 * separated by semicolons), or begins with `open:`, `n/a:` or `declined:` and a reason. What MUST be done cannot be
 * declined. A level in lower case is of a sentence without a key word of RFC 2119. `titles` gives the tests of a file, undefined when there is no such file.
 */
export function checkCoverage(document: string, titles: (file: string) => ReadonlySet<string> | undefined): Coverage {
  const counts = { tested: 0, open: 0, declined: 0, notApplicable: 0 };
  const faults: string[] = [];
  const seen = new Set<string>();
  for (const [i, line] of document.split('\n').entries()) {
    const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
    if (!/^\d{4} /.test(cells[1] ?? '')) continue;
    const [, section = '', level = '', requirement = '', proof = '', ...rest] = cells;
    const fault = (what: string) => faults.push(`${i + 1}: ${what}`);
    if (rest.length !== 1) fault('a row has four cells');
    if (!LEVELS.includes(level)) fault(`"${level}" is no level of RFC 2119`);
    if (seen.has(`${section} ${requirement}`)) fault(`the requirement stands there twice: ${requirement}`);
    seen.add(`${section} ${requirement}`);
    const [, status, reason = ''] = /^(open|n\/a|declined): (.*)$/.exec(proof) ?? [];
    if (status === undefined) {
      counts.tested++;
      for (const named of proof.split('; ')) checkTest(named, titles, fault);
      continue;
    }
    counts[status === 'n/a' ? 'notApplicable' : (status as 'open' | 'declined')]++;
    if (reason.length < 10) fault('a reason is missing');
    if (status === 'declined' && /^must/i.test(level)) fault('what MUST be done cannot be declined');
  }
  return { ...counts, faults };
}

function checkTest(
  named: string,
  titles: (file: string) => ReadonlySet<string> | undefined,
  fault: (what: string) => void,
): void {
  const [, file = '', title = ''] = /^`([^`]+)` › (.+)$/.exec(named) ?? [];
  const known = titles(file);
  if (known === undefined) fault(`no such file: ${named}`);
  else if (!known.has(title)) fault(`no such test: ${named}`);
}

const KEY_WORDS = ['MUST', 'MUST NOT', 'SHOULD', 'SHOULD NOT', 'MAY'];
/** In lower case it is said without a key word. */
const LEVELS: readonly string[] = KEY_WORDS.flatMap((word) => [word, word.toLowerCase()]);

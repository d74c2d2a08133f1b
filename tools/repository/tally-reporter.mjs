import fs from 'node:fs';

/**
 * A vitest reporter for `npm test`: writes `{passed, failed, skipped: [{name, why}]}` to the file that
 * WEFT_TALLY names, so that several runs can be added up and every skipped test says why.
 */
export default class TallyReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const tally = { passed: 0, failed: unhandledErrors.length, skipped: [] };
    for (const module of modules) {
      let tests = 0;
      for (const test of module.children.allTests()) {
        tests += 1;
        const result = test.result();
        if (result.state === 'passed') tally.passed += 1;
        else if (result.state === 'failed') tally.failed += 1;
        else tally.skipped.push({ name: test.fullName, why: result.note ?? test.options.note ?? 'no reason given' });
      }
      // A file that cannot be loaded has no tests, yet it must not pass for success.
      if (module.errors().length > 0 && (tests === 0 || module.state() === 'failed')) tally.failed += 1;
    }
    fs.writeFileSync(process.env['WEFT_TALLY'], JSON.stringify(tally));
  }
}

import fs from 'node:fs';

/**
 * A vitest reporter for `npm test`: writes `{passed, failed: [{name, why}], skipped: [{name, why}]}` to the file
 * that WEFT_TALLY names, so that several runs can be added up and every test that did not pass says why.
 */
export default class TallyReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const tally = { passed: 0, failed: [], skipped: [] };
    const failed = (name, errors) => tally.failed.push({ name, why: firstLine(errors) });
    for (const error of unhandledErrors) failed('outside of a test', [error]);
    for (const module of modules) {
      let tests = 0;
      for (const test of module.children.allTests()) {
        tests += 1;
        const result = test.result();
        if (result.state === 'passed') tally.passed += 1;
        else if (result.state === 'failed') failed(`${module.relativeModuleId}: ${test.fullName}`, result.errors);
        else tally.skipped.push({ name: test.fullName, why: result.note ?? test.options.note ?? 'no reason given' });
      }
      // A file that cannot be loaded has no tests, yet it must not pass for success.
      const errors = module.errors();
      if (errors.length > 0 && (tests === 0 || module.state() === 'failed')) failed(module.relativeModuleId, errors);
    }
    fs.writeFileSync(process.env['WEFT_TALLY'], JSON.stringify(tally));
  }
}

/** What went wrong, on one line of a table: the whole story stands where the test ran. */
function firstLine(errors) {
  return String(errors[0]?.message ?? 'no reason given')
    .split('\n', 1)[0]
    .slice(0, 200);
}

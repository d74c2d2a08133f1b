import fs from 'node:fs';

/**
 * A vitest reporter for `npm test`: writes `{passed, failed: [{name, why}], skipped: [{name, why}], running: [name]}` to
 * the file that WEFT_TALLY names, so that several runs can be added up and every test that did not pass says why. It is
 * written anew with every file that begins or ends: a run that is ended because it hangs leaves what it had, and where it was.
 */
export default class TallyReporter {
  #tally = emptyTally();
  /** @type {Set<string>} */
  #running = new Set();

  onTestModuleStart(module) {
    this.#running.add(module.relativeModuleId);
    this.#write();
  }

  onTestModuleEnd(module) {
    this.#running.delete(module.relativeModuleId);
    addModule(this.#tally, module);
    this.#write();
  }

  /** Counted once more as a whole: a file that cannot be loaded neither begins nor ends. */
  onTestRunEnd(modules, unhandledErrors) {
    this.#tally = emptyTally();
    this.#running.clear();
    for (const error of unhandledErrors) addFailure(this.#tally, 'outside of a test', [error]);
    for (const module of modules) addModule(this.#tally, module);
    this.#write();
  }

  #write() {
    fs.writeFileSync(process.env['WEFT_TALLY'], JSON.stringify({ ...this.#tally, running: [...this.#running] }));
  }
}

function emptyTally() {
  return { passed: 0, failed: [], skipped: [] };
}

function addModule(tally, module) {
  let tests = 0;
  for (const test of module.children.allTests()) {
    tests += 1;
    const result = test.result();
    if (result.state === 'passed') tally.passed += 1;
    else if (result.state === 'failed')
      addFailure(tally, `${module.relativeModuleId}: ${test.fullName}`, result.errors);
    else tally.skipped.push({ name: test.fullName, why: result.note ?? test.options.note ?? 'no reason given' });
  }
  // A file that cannot be loaded has no tests, yet it must not pass for success.
  const errors = module.errors();
  if (errors.length > 0 && (tests === 0 || module.state() === 'failed'))
    addFailure(tally, module.relativeModuleId, errors);
}

/** What went wrong, on one line of a table: the whole story stands where the test ran. */
function addFailure(tally, name, errors) {
  const why = String(errors[0]?.message ?? 'no reason given');
  tally.failed.push({ name, why: why.split('\n', 1)[0].slice(0, 200) });
}

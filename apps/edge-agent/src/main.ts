#!/usr/bin/env -S node --max-semi-space-size=4 --v8-pool-size=1 --no-parallel-scavenge
// The options keep pauses of the event loop short: docs/performance.md, "Pauses".
import tls from 'node:tls';
import { createProgram } from './cli/program.js';
import { AgentError, messageOf } from './platform/agent-error.js';

// The fabric speaks TLS 1.3 only; grpc-js has no option of its own for it.
tls.DEFAULT_MIN_VERSION = 'TLSv1.3';

try {
  await createProgram(
    (text) => process.stdout.write(`${text}\n`),
    (code) => process.exit(code),
  ).parseAsync();
} catch (error) {
  const fix = error instanceof AgentError ? `\n  ${error.fix}` : '';
  process.stderr.write(`weft-edge: ${messageOf(error)}${fix}\n`);
  process.exit(1);
}

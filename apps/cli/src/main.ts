#!/usr/bin/env node
import { runCli } from './cli/run.js';
import { EXIT_OK } from './platform/exit-code.js';

// Who reads has enough, as `head` has: there is nothing more to say, and nothing wrong.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT_OK);
});

process.exitCode = await runCli(process.argv.slice(2), {
  environment: process.env,
  input: process.stdin,
  write: (text) => void process.stdout.write(text),
  notes: process.stderr,
});

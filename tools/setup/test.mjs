#!/usr/bin/env node
// `npm test`: installs and builds what is missing, then runs every test that this machine can run.
// usage: node tools/setup/test.mjs [--only SUITE,SUITE] [--list]
import path from 'node:path';
import { runToTheEnd } from './commands.mjs';
import { prepare, root } from './prepare.mjs';

const ready = await prepare({ purpose: 'test' });
if (!ready) process.exit(1);
const program = path.join(root, 'tools/repository/test.mjs');
process.exit(await runToTheEnd(process.execPath, [program, ...process.argv.slice(2)]));

#!/usr/bin/env node
// `npm run lab`: installs and builds what is missing, then brings up the lab.
// usage: node tools/setup/lab.mjs [--check] [--json] [--port PORT]
import path from 'node:path';
import { runToTheEnd } from './commands.mjs';
import { prepare, root } from './prepare.mjs';

const ready = await prepare({ purpose: 'lab' });
if (!ready) process.exit(1);
const program = path.join(root, 'tools/lab/dist/main.js');
process.exit(await runToTheEnd(process.execPath, [program, ...process.argv.slice(2)]));

#!/usr/bin/env node
// `npm run test:interop` and `npm run bench:ike`: installs what is missing and unpacks the peers, then talks with strongSwan.
// usage: node tools/setup/interop.mjs [--only TEXT] [--verbose], or --bench with the options of test/interop/bench/main.ts
import path from 'node:path';
import { runToTheEnd } from './commands.mjs';
import { prepare, root } from './prepare.mjs';

const ready = await prepare({ purpose: 'interop' });
if (!ready) process.exit(1);
const typescript = ['--conditions=source', '--import', '@oxc-node/core/register'];
const program = path.join(root, 'test/interop/main.ts');
process.exit(await runToTheEnd(process.execPath, [...typescript, program, ...process.argv.slice(2)]));

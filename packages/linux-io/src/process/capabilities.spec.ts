import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CAPABILITY, capabilitySet, parseCapabilities, readCapabilities } from './capabilities.js';

const KEPT = capabilitySet([CAPABILITY.CAP_NET_ADMIN, CAPABILITY.CAP_NET_RAW]);

describe('the capabilities of a thread', () => {
  it('are read as the kernel prints them', () => {
    const status = 'Name:\tnode\nCapPrm:\t0000000000003000\nCapEff:\t0000000000000000\nCapBnd:\t000001ffffffffff\n';
    expect(parseCapabilities(status)).toEqual({ permitted: 0x3000n, bounding: 0x1ffffffffffn });
    expect(KEPT).toBe(0x3000n);
    expect(() => parseCapabilities('Name:\tnode\n')).toThrow(RangeError);
  });

  describe('that becomes the same program again', () => {
    let directory: string;
    beforeEach(() => {
      directory = mkdtempSync(path.join(tmpdir(), 'weft-capabilities-'));
    });
    afterEach(() => rmSync(directory, { recursive: true }));

    it('are those that were kept, with its arguments, its environment and its streams', (context) => {
      const { permitted, bounding } = readCapabilities();
      if ((permitted & KEPT) !== KEPT || permitted === KEPT || (bounding & 0x100n) === 0n) {
        context.skip('needs CAP_SETPCAP and more capabilities than are kept: run as root');
      }
      const program = path.join(directory, 'program.mts');
      const module = fileURLToPath(new URL('./capabilities.ts', import.meta.url));
      writeFileSync(
        program,
        `import { readCapabilities, restartWithin } from ${JSON.stringify(module)};
         const { permitted, bounding } = readCapabilities();
         if (permitted !== ${KEPT}n) restartWithin(${KEPT}n, process.execPath, [...process.execArgv, ...process.argv.slice(1)], process.env);
         console.log(JSON.stringify([permitted, bounding, process.pid, process.argv[2], process.env.MARK], (_, v) => typeof v === 'bigint' ? Number(v) : v));`,
      );
      const flags = ['--conditions=source', '--import', import.meta.resolve('@oxc-node/core/register')];
      const output = execFileSync(process.execPath, [...flags, program, 'an argument'], {
        encoding: 'utf8',
        env: { ...process.env, MARK: 'a mark' },
      });
      expect(JSON.parse(output)).toEqual([Number(KEPT), Number(KEPT), expect.any(Number), 'an argument', 'a mark']);
    });
  });
});

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { queryIpBatch } from './ip-command.js';

const LINK = 'link show dev weft0';
const RULE = 'rule show priority 1190';

describe('several queries at once', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'weft-ip-'));
  });

  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(directory, { recursive: true });
  });

  it('are answered in their order', async () => {
    becomeIp('while read line; do echo "[{\\"asked\\":\\"$line\\"}]"; done');
    expect(await queryIpBatch(4, [LINK, RULE])).toEqual([[{ asked: LINK }], [{ asked: RULE }]]);
  });

  it('are asked one by one of an ip that prints nothing for nothing', async () => {
    becomeIp(`case "$*" in
      *-batch*) echo '[{"asked":"rule"}]' ;;
      *" rule "*) echo '[{"asked":"rule"}]' ;;
    esac`);
    expect(await queryIpBatch(6, [LINK, RULE])).toEqual([[], [{ asked: 'rule' }]]);
  });

  it('fail with the query that failed, and why', async () => {
    becomeIp('echo "Device \\"weft0\\" does not exist." >&2; echo "Command failed -:1" >&2; exit 1');
    await expect(queryIpBatch(4, [LINK, RULE])).rejects.toMatchObject({
      code: 'ip_refused',
      message: `ip ${LINK}: Device "weft0" does not exist.`,
    });
  });

  it('fail when an answer is no JSON', async () => {
    becomeIp('cat > /dev/null; echo "[]"; echo what');
    await expect(queryIpBatch(4, [LINK, RULE])).rejects.toMatchObject({ code: 'ip_unreadable' });
  });

  /** Puts a program with this name and script before the real one. */
  function becomeIp(script: string): void {
    const file = path.join(directory, 'ip');
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
    vi.stubEnv('PATH', `${directory}:${process.env['PATH'] ?? ''}`);
  }
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentProcess } from './support/agent-process.js';
import { typescript } from './support/edge-harness.js';
import { Namespaces, namespacesUnavailable } from './support/namespaces.js';
import { signBundle } from './support/test-bundle.js';
import { TestPki } from './support/test-pki.js';
import { buildNetwork, bundle, LEFT, LEFT_ID, negotiating, RIGHT, RIGHT_ID } from './support/two-sites.js';

const PATIENCE = { timeout: 60_000 };
/** Lines of its log after which the agent is killed: from its first words to its negotiations. */
const MOMENTS = [1, 2, 3, 4, 6, 8, 10, 12, 14];
const unavailable = namespacesUnavailable();

describe.skipIf(unavailable !== undefined)(`an agent that is killed${unavailable ? ` (${unavailable})` : ''}`, () => {
  const namespaces = new Namespaces('killed');
  const directory = mkdtempSync(path.join(tmpdir(), 'weft-killed-'));
  let names: { left: string; router: string; right: string };
  let left: AgentProcess;
  let seen: () => Promise<{ clear: number; esp: number; lost: number }>;

  beforeAll(async () => {
    names = buildNetwork(namespaces);
    // The underlay would carry it in the clear.
    namespaces.ip(names.router, `route add ${LEFT.networks[0]} via ${LEFT.underlay}`);
    namespaces.ip(names.router, `route add ${RIGHT.networks[0]} via ${RIGHT.underlay}`);
    const pki = await TestPki.create();
    const prepare = async (name: string, namespace: string, edgeId: string, content: ReturnType<typeof bundle>) =>
      AgentProcess.prepare(
        namespaces,
        namespace,
        path.join(directory, name, 'state'),
        await pki.storedIdentity('127.0.0.1:1', edgeId),
        signBundle(pki, negotiating(content), { edgeId }),
      );
    left = await prepare('left', names.left, LEFT_ID, bundle(LEFT, RIGHT, RIGHT_ID));
    const right = await prepare('right', names.right, RIGHT_ID, bundle(RIGHT, LEFT, LEFT_ID));
    await Promise.all([left.run(/^edge ready$/), right.run(/^edge ready$/)]);
  });

  afterAll(async () => {
    await namespaces.close();
    rmSync(directory, { recursive: true });
  });

  it('at any moment under traffic, lets nothing out in the clear, and its tunnels come back without a controller', async () => {
    await expect.poll(ping, PATIENCE).toMatch(/1 received/);
    seen = await watch();
    const traffic = [names.left, names.right].map((name) => {
      const [from, to] = name === names.left ? ['10.1.0.1', '10.2.0.1'] : ['10.2.0.1', '10.1.0.1'];
      const pings = namespaces.start(name, 'ping', ['-q', '-i', '0.01', '-I', from, to]);
      pings.stdout.resume();
      return pings;
    });
    for (const line of MOMENTS) {
      await left.end('SIGKILL');
      await left.runUntilLine(line);
    }
    await left.end('SIGKILL');
    await left.run(/^edge ready$/);
    await expect.poll(ping, PATIENCE).toMatch(/1 received/);
    for (const pings of traffic) pings.kill('SIGTERM');
    const { clear, esp, lost } = await seen();
    expect({ clear, lost }).toEqual({ clear: 0, lost: 0 });
    expect(esp).toBeGreaterThan(0);
  });

  function ping(): string {
    try {
      return namespaces.run(names.left, 'ping', ['-c', '1', '-W', '2', '-I', '10.1.0.1', '10.2.0.1']);
    } catch (error) {
      return String(error);
    }
  }

  /** Looks at everything that arrives at the router from now on. */
  async function watch(): Promise<typeof seen> {
    const program = [...typescript('./capture-process.ts'), LEFT.underlay, '10.1', '10.2'];
    const child = namespaces.start(names.router, process.execPath, program);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    await lines.next();
    return async () => {
      child.stdin.write('report\n');
      return JSON.parse((await lines.next()).value as string);
    };
  }
});

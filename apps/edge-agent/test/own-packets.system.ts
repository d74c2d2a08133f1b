import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { type Bundle, KeyingMode } from '@weft/contracts/southbound';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EdgeHarness, typescript } from './support/edge-harness.js';
import { Namespaces, namespacesUnavailable } from './support/namespaces.js';
import { negotiatedBundle } from './support/negotiated-bundle.js';

// The edge protects everything, and nobody answers at the other end of its tunnel.
//
//   192.0.2.1                            203.0.113.9
//     [ edge ] -------- [ router ] -------- [ controller ]
const EDGE = { id: '00000000-0000-4000-8000-000000000001', underlay: '192.0.2.1', network: '10.1.0.0/24' };
const NOBODY = { id: '00000000-0000-4000-8000-000000000002', underlay: '198.51.100.1', network: '0.0.0.0/0' };
const CONTROLLER = '203.0.113.9';

const unavailable = namespacesUnavailable();

describe.skipIf(unavailable !== undefined)(`the agent’s own packets${unavailable ? ` (${unavailable})` : ''}`, () => {
  const namespaces = new Namespaces('own');
  const directory = mkdtempSync(path.join(tmpdir(), 'weft-own-'));
  let names: { edge: string; router: string; controller: string };
  let edge: EdgeHarness;
  let enrollment: { port: number; token: string };

  beforeAll(async () => {
    names = {
      edge: namespaces.add('edge'),
      router: namespaces.add('router'),
      controller: namespaces.add('controller'),
    };
    for (const [name, address, gateway, device] of [
      [names.edge, EDGE.underlay, '192.0.2.254', 'edge'],
      [names.controller, CONTROLLER, '203.0.113.254', 'controller'],
    ] as const) {
      namespaces.connect(name, 'wan', names.router, device);
      namespaces.ip(name, `address add ${address}/24 dev wan`);
      namespaces.ip(names.router, `address add ${gateway}/24 dev ${device}`);
      namespaces.ip(name, `route add default via ${gateway}`);
    }
    namespaces.run(names.router, 'sysctl', ['-qw', 'net.ipv4.ip_forward=1']);
    const serve = [...typescript('./enrollment-process.ts'), CONTROLLER];
    const serving = namespaces.start(names.controller, process.execPath, serve);
    const { value } = await createInterface({ input: serving.stdout })[Symbol.asyncIterator]().next();
    enrollment = JSON.parse(value as string) as typeof enrollment;
    edge = new EdgeHarness(namespaces, names.edge);
  });

  beforeEach(() => edge.bundle(everything()));

  afterAll(async () => {
    await namespaces.close();
    rmSync(directory, { recursive: true });
  });

  it('of an enrollment go around an overlay that has a route for everything', async () => {
    const before = await lost();
    expect(namespaces.ip(names.edge, `route get ${CONTROLLER}`)).toContain('dev weft0');
    expect(await enroll('running')).toMatch(/^enrolled as edge berlin/);
    // Nobody else gets out.
    expect(() => namespaces.run(names.edge, 'ping', ['-c', '1', '-W', '1', CONTROLLER])).toThrow();
    expect(await lost()).toBeGreaterThan(before);
  });

  it('of an enrollment go around the routes that the agent has left behind to keep traffic in', async () => {
    await edge.kill();
    expect(() => namespaces.ip(names.edge, `route get ${CONTROLLER}`)).toThrow(/unreachable|No route|Command failed/);
    expect(await enroll('ended')).toMatch(/^enrolled as edge berlin/);
    edge = new EdgeHarness(namespaces, names.edge);
  });

  async function enroll(name: string): Promise<string> {
    const { port, token } = enrollment;
    const stateDirectory = path.join(directory, name);
    const controller = ['--controller', `${CONTROLLER}:${port}`, '--token', token];
    const program = [...typescript('../../src/main.ts'), 'enroll', ...controller, '--state-dir', stateDirectory];
    const child = namespaces.start(names.edge, process.execPath, program);
    const [said] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    return said;
  }

  /** Packets for which the overlay has no tunnel. */
  async function lost(): Promise<number> {
    const { drops } = await edge.snapshot();
    return Number(drops.find(({ reason }) => reason === 'no_association')?.packets ?? 0);
  }
});

/** Everything goes to somebody who is not there. */
function everything(): Bundle {
  const bundle = negotiatedBundle({ ...EDGE, network: '0.0.0.0/0' }, NOBODY);
  const tunnels = bundle.tunnels.map(({ ike: _, ...tunnel }) => ({
    ...tunnel,
    keyingMode: KeyingMode.KEYING_MODE_IKE_LESS,
  }));
  return { ...bundle, tunnels, localNetworks: [EDGE.network] };
}

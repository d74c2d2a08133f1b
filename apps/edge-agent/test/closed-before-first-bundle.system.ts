import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Bundle } from '@weft/contracts/southbound';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forgetBundles } from '../src/control/bundle-store.js';
import { ProtectedNetworksStore } from '../src/control/protected-networks-store.js';
import { parseFence } from '../src/network/fence-ruleset.js';
import { OWN_PACKETS_MARK } from '../src/network/overlay-network.js';
import { StateDirectory } from '../src/platform/state-directory.js';
import { defaultStateKeyFile, StateKey } from '../src/platform/state-key.js';
import type { AgentProcess } from './support/agent-process.js';
import { ControllerHarness, type Heard, ON_ROUTER } from './support/controller-harness.js';
import { type Crossed, watchCrossings } from './support/crossing-watch.js';
import { typescript } from './support/edge-harness.js';
import { namespacesUnavailable } from './support/namespaces.js';
import { signBundle } from './support/test-bundle.js';
import { LEFT_HOST, RIGHT_HOST, TwoAgents } from './support/two-agents.js';
import { bundle, LEFT, LEFT_ID, negotiating, RIGHT, RIGHT_ID } from './support/two-sites.js';

const PATIENCE = { timeout: 60_000 };
const unavailable = namespacesUnavailable();

describe.skipIf(unavailable !== undefined)(`before the first bundle${unavailable ? ` (${unavailable})` : ''}`, () => {
  const agents = new TwoAgents('first');
  const { namespaces } = agents;
  let left: AgentProcess;
  let controller: ControllerHarness;
  let enrollment: { readonly port: number; readonly token: string };
  /** Packets with overlay addresses that crossed the underlay in the clear, and ESP packets, since the last call. */
  let crossed: () => Promise<Crossed>;

  beforeAll(async () => {
    await agents.prepare(ON_ROUTER);
    ({ left } = agents);
    const { names, directory, pki } = agents;
    namespaces.ip(names.router, 'address add 10.2.0.99/32 dev lo');
    controller = await ControllerHarness.prepare(namespaces, names.router, directory, pki);
    await controller.start();
    const serve = [...typescript('./enrollment-process.ts'), LEFT.gateway, ...RIGHT.networks];
    const serving = namespaces.start(names.router, process.execPath, serve);
    const { value } = await createInterface({ input: serving.stdout })[Symbol.asyncIterator]().next();
    enrollment = JSON.parse(value as string) as typeof enrollment;
    crossed = await watchCrossings(namespaces, names.router, LEFT.underlay, ['10.1', '10.2']);
  });

  afterAll(() => agents.close());

  it('this network carries everything in the clear', async () => {
    expect(agents.ping()).toMatch(/1 received/);
    expect((await crossed()).clear).toBeGreaterThan(0);
  });

  it('a machine is closed by its settings as soon as it is to be enrolled, also when that fails', async () => {
    const named = ['--protected-networks', RIGHT.networks.join(',')];
    const nobody = ['--controller', `${LEFT.gateway}:1`, '--token', enrollment.token];
    expect(attempt('prepared', 'enroll', ...nobody, ...named)).not.toMatch(/enrolled as/);
    await expectClosed();
    expect(attempt('prepared', 'uninstall')).toMatch(/are gone/);
    expect(agents.ping()).toMatch(/1 received/);
    expect(attempt('prepared', 'run', ...named)).toMatch(/holds no identity/);
    await expectClosed();
    expect(attempt('prepared', 'uninstall')).toMatch(/are gone/);
    expect(agents.ping()).toMatch(/1 received/);
    await crossed();
  });

  it('an edge is closed from its enrollment on, and after a power cut', async () => {
    const told = ['--controller', `${LEFT.gateway}:${enrollment.port}`, '--token', enrollment.token];
    expect(attempt('enrolled', 'enroll', ...told)).toMatch(/closed: traffic of 2 networks waits/);
    await expectClosed();
    // What a boot leaves of it.
    expect(attempt('enrolled', 'uninstall')).toMatch(/are gone/);
    expect(attempt('enrolled', 'fence')).toMatch(/closed: traffic of 2 prefixes waits/);
    await expectClosed();
    expect(attempt('enrolled', 'uninstall')).toMatch(/are gone/);
    const listing = namespaces.run(agents.names.left, 'nft', ['list', 'ruleset']);
    expect(listing).toBe('');
  });

  it('an agent keeps closed what enrollment said, and says so, with its controller and when it is killed', async () => {
    const state = await StateDirectory.open(left.stateDir);
    await forgetBundles(state);
    const openKey = () => StateKey.open(defaultStateKeyFile(left.stateDir));
    await new ProtectedNetworksStore(state, openKey).keep({ routes: RIGHT.networks, localNetworks: LEFT.networks });
    await left.run(/^closed: waiting for the first policy$/);
    await ofLeft('hello');
    await expectClosed();
    expect(left.command('status')).toMatch(/closed: waiting for the first policy \(2 networks\)/);
    namespaces.run(agents.names.left, 'nft', ['flush', 'ruleset']);
    await left.said(/not as this edge left it/);
    await expect.poll(() => fence().ranges?.length, PATIENCE).toBe(2);
    await left.end('SIGKILL');
    await expectClosed();
    await left.run(/^closed: waiting for the first policy$/);
    await expectClosed();
  });

  it('is over with the first one that works, without a packet in the clear; one that does not leaves it closed', async () => {
    await expect.poll(() => left.command('status'), PATIENCE).toMatch(/controller +connected/);
    const pings = namespaces.start(agents.names.left, 'ping', ['-i', '0.01', '-I', LEFT_HOST, RIGHT_HOST]);
    push(5n, { ...bundle(LEFT, RIGHT, RIGHT_ID), underlay: { address: '192.0.2.77', port: 4500 } });
    expect(await ofLeft('nack')).toMatchObject({ rule: 'underlay_unusable' });
    await expectClosed();
    push(6n, negotiating(bundle(LEFT, RIGHT, RIGHT_ID)));
    await ofLeft('ack');
    await agents.right.run(/^edge ready$/);
    await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
    pings.kill('SIGINT');
    await once(pings, 'exit');
    const seen = await crossed();
    expect(seen).toMatchObject({ clear: 0, lost: 0 });
    expect(seen.esp).toBeGreaterThan(0);
    expect(fence().ranges).toHaveLength(2);
  });

  /** Nothing goes there or comes from there, by any way. */
  async function expectClosed(): Promise<void> {
    const { names } = agents;
    await crossed();
    expect(agents.ping()).not.toMatch(/1 received/);
    // From the other site, for this machine.
    const before = fence().arrivedInClear;
    const claims = ['-c', '1', '-W', '1', '-I', '10.2.0.99', LEFT_HOST];
    expect(() => namespaces.run(names.router, 'ping', claims)).toThrow();
    expect(fence().arrivedInClear).toBe(before + 1n);
    // By another route than ours.
    namespaces.ip(names.left, 'rule add priority 100 lookup main');
    expect(agents.ping()).not.toMatch(/1 received/);
    namespaces.ip(names.left, 'rule del priority 100');
    expect(await crossed()).toMatchObject({ clear: 0 });
  }

  function push(generation: bigint, content: Bundle): void {
    controller.push('left', signBundle(agents.pki, content, { edgeId: LEFT_ID, generation }));
  }

  function ofLeft(said: string): Promise<Heard> {
    return controller.hears((heard) => heard.said === said && heard.edge === 'left');
  }

  function fence() {
    const listing = namespaces.run(agents.names.left, 'nft', ['-j', 'list', 'table', 'inet', 'weft_edge']);
    return parseFence(JSON.parse(listing), { device: 'weft0', mark: OWN_PACKETS_MARK });
  }

  /** Another machine in the place of the left one. @returns what `weft-edge` says, whether it fails or not. */
  function attempt(machine: string, ...words: readonly string[]): string {
    const stateDir = path.join(agents.directory, machine, 'state');
    const program = [...typescript('../../src/main.ts'), ...words, '--state-dir', stateDir];
    try {
      return namespaces.run(agents.names.left, process.execPath, program);
    } catch (error) {
      const { stdout, stderr } = error as { stdout?: string; stderr?: string };
      return `${stdout ?? ''}${stderr ?? ''}${String(error)}`;
    }
  }
});

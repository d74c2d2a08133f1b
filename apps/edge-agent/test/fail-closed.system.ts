import { execFileSync } from 'node:child_process';
import type { Bundle } from '@weft/contracts/southbound';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BundleStore, forgetBundles } from '../src/control/bundle-store.js';
import { ProtectedNetworksStore } from '../src/control/protected-networks-store.js';
import { parseFence } from '../src/network/fence-ruleset.js';
import { OWN_PACKETS_MARK } from '../src/network/overlay-network.js';
import { StateDirectory } from '../src/platform/state-directory.js';
import { defaultStateKeyFile, StateKey } from '../src/platform/state-key.js';
import type { AgentProcess } from './support/agent-process.js';
import { type Crossed, watchCrossings } from './support/crossing-watch.js';
import { namespacesUnavailable } from './support/namespaces.js';
import { signBundle } from './support/test-bundle.js';
import { LEFT_HOST, RIGHT_HOST, TwoAgents } from './support/two-agents.js';
import { bundle, LEFT, LEFT_ID, negotiating, RIGHT, RIGHT_ID } from './support/two-sites.js';

const PATIENCE = { timeout: 60_000 };
const unavailable = namespacesUnavailable() ?? (hasNft() ? undefined : 'needs nft (nftables)');

describe.skipIf(unavailable !== undefined)(
  `what keeps traffic in without a controller${unavailable ? ` (${unavailable})` : ''}`,
  () => {
    const agents = new TwoAgents('closed');
    const { namespaces } = agents;
    let names: TwoAgents['names'];
    let left: AgentProcess;
    let right: AgentProcess;
    /** Packets with overlay addresses that crossed the underlay in the clear, and ESP packets, since the last call. */
    let crossed: () => Promise<Crossed>;

    beforeAll(async () => {
      await agents.prepare();
      ({ names, left, right } = agents);
      namespaces.ip(names.router, 'address add 10.2.0.99/32 dev lo');
      crossed = await watchCrossings(namespaces, names.router, LEFT.underlay, ['10.1', '10.2']);
    });

    afterAll(() => agents.close());

    it('is nothing on a machine that nobody has enrolled: this network would carry everything', async () => {
      expect(agents.ping()).toMatch(/1 received/);
      expect((await crossed()).clear).toBeGreaterThan(0);
    });

    it('is there before there is a bundle, from what enrollment said', async () => {
      const state = await StateDirectory.open(left.stateDir);
      const openKey = () => StateKey.open(defaultStateKeyFile(left.stateDir));
      await forgetBundles(state);
      await new ProtectedNetworksStore(state, openKey).keep({ routes: RIGHT.networks, localNetworks: LEFT.networks });
      expect(left.command('fence')).toMatch(/closed: traffic of 2 prefixes waits for the first policy/);
      expect(agents.ping()).not.toMatch(/1 received/);
      expect(spoof()).not.toMatch(/1 received/);
      expect(fence(names.left).arrivedInClear).toBe(1n);
      await left.run(/^closed: waiting for the first policy$/);
      expect(agents.ping()).not.toMatch(/1 received/);
      await left.end('SIGKILL');
      expect(agents.ping()).not.toMatch(/1 received/);
      expect(await crossed()).toMatchObject({ clear: 0 });
      left.command('uninstall');
      await keep(left, LEFT_ID, negotiating(bundle(LEFT, RIGHT, RIGHT_ID)));
    });

    it('is there from the last bundle before the agent runs, both ways', async () => {
      expect(left.command('fence')).toMatch(/traffic of 2 prefixes waits/);
      expect(agents.ping()).not.toMatch(/1 received/);
      expect(spoof()).not.toMatch(/1 received/);
      expect(await crossed()).toMatchObject({ clear: 0 });
      expect(fence(names.left).arrivedInClear).toBe(1n);
    });

    it('lets the tunnels come up from the last bundle, and carries their traffic', async () => {
      await Promise.all([left.run(/^edge ready$/), right.run(/^edge ready$/)]);
      await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
      const seen = await crossed();
      expect(seen.esp).toBeGreaterThan(0);
      expect(seen.clear).toBe(0);
      expect(
        namespaces.run(names.left, 'ping', ['-6', '-c', '1', '-w', '5', '-I', '2001:db8:1::1', '2001:db8:2::1']),
      ).toMatch(/1 received/);
    });

    it('drops what claims a protected source and comes in the clear, while the agent runs (RFC 4301 section 5.2)', async () => {
      const before = fence(names.left).arrivedInClear;
      expect(spoof()).not.toMatch(/1 received/);
      expect(fence(names.left).arrivedInClear).toBe(before + 1n);
      expect(agents.ping()).toMatch(/1 received/);
      await crossed();
    });

    it('holds when the agent is killed, and its tunnels come back with the next one', async () => {
      await left.end('SIGKILL');
      expect(agents.ping()).not.toMatch(/1 received/);
      const before = fence(names.left).arrivedInClear;
      expect(spoof()).not.toMatch(/1 received/);
      expect(fence(names.left).arrivedInClear).toBe(before + 1n);
      expect(await crossed()).toMatchObject({ clear: 0 });
      await left.run(/^edge ready$/);
      await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
      expect(await crossed()).toMatchObject({ clear: 0 });
    });

    it('holds against a route and a rule that lead around the device', async () => {
      namespaces.ip(names.left, 'rule add priority 100 lookup 100');
      namespaces.ip(names.left, `route add ${RIGHT.networks[0]} via ${LEFT.gateway} table 100`);
      const before = fence(names.left).leftInClear;
      expect(agents.ping()).not.toMatch(/1 received/);
      expect(fence(names.left).leftInClear).toBeGreaterThan(before);
      expect(await crossed()).toMatchObject({ clear: 0 });
      namespaces.ip(names.left, 'rule del priority 100');
      expect(agents.ping()).toMatch(/1 received/);
    });

    it('is put back when somebody sweeps up the packet filter, the rules and the routes', async () => {
      namespaces.run(names.left, 'nft', ['flush', 'ruleset']);
      await left.said(/not as this edge left it/);
      await expect.poll(() => fence(names.left).ranges?.length, PATIENCE).toBe(2);
      namespaces.ip(names.left, 'rule del priority 1190');
      await expect.poll(() => namespaces.ip(names.left, 'rule show'), PATIENCE).toMatch(/lookup 119/);
      expect(agents.ping()).toMatch(/1 received/);
    });

    it('lets the underlay of an overlay that has a route for everything work: IKE, ESP, fragments', async () => {
      await left.end('SIGTERM');
      const everything = negotiating(bundle(LEFT, RIGHT, RIGHT_ID));
      everything.routes = ['0.0.0.0/0', '::/0'];
      await keep(left, LEFT_ID, everything);
      await left.run(/^edge ready$/);
      await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
      // On a narrow underlay ESP leaves in fragments, of which only the first has a port.
      for (const [device, { gateway }] of [
        ['left', LEFT],
        ['right', RIGHT],
      ] as const) {
        const network = gateway.replace(/[0-9]+$/, '0/24');
        namespaces.ip(names.router, `route replace ${network} dev ${device} src ${gateway} mtu lock 1280`);
      }
      const large = () =>
        attempt(() =>
          namespaces.run(names.left, 'ping', ['-c', '1', '-w', '5', '-s', '1300', '-I', LEFT_HOST, RIGHT_HOST]),
        );
      await expect.poll(large, PATIENCE).toMatch(/1 received/);
      expect(spoof()).not.toMatch(/1 received/);
    });

    it('stays when the agent ends, and goes with its removal, without a trace', async () => {
      expect(attempt(() => left.command('uninstall'))).toMatch(/an agent runs/);
      await left.end('SIGTERM');
      expect(agents.ping()).not.toMatch(/1 received/);
      left.command('uninstall');
      expect(namespaces.run(names.left, 'nft', ['list', 'ruleset'])).toBe('');
      for (const family of ['-4', '-6']) {
        expect(namespaces.ip(names.left, `${family} rule show`)).not.toMatch(/119/);
        expect(namespaces.ip(names.left, `${family} route show table all proto 119`)).toBe('');
      }
      expect(left.command('uninstall')).toMatch(/are gone/);
      await right.end('SIGTERM');
      right.command('uninstall');
      expect(agents.ping()).toMatch(/1 received/);
    });

    /** What a host of the router's claims to send from the other site. */
    function spoof(): string {
      return attempt(() => namespaces.run(names.router, 'ping', ['-c', '1', '-W', '1', '-I', '10.2.0.99', LEFT_HOST]));
    }

    function fence(namespace: string) {
      const listing = namespaces.run(namespace, 'nft', ['-j', 'list', 'table', 'inet', 'weft_edge']);
      return parseFence(JSON.parse(listing), { device: 'weft0', mark: OWN_PACKETS_MARK });
    }

    async function keep({ stateDir }: AgentProcess, edgeId: string, content: Bundle): Promise<void> {
      const key = await StateKey.open(defaultStateKeyFile(stateDir));
      await new BundleStore(await StateDirectory.open(stateDir), key).keep(signBundle(agents.pki, content, { edgeId }));
    }
  },
);

function attempt(run: () => string): string {
  try {
    return run();
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    return `${stdout ?? ''}${stderr ?? ''}${String(error)}`;
  }
}

function hasNft(): boolean {
  try {
    execFileSync('nft', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

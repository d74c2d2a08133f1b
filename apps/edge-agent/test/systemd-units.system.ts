import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parseFence } from '../src/network/fence-ruleset.js';
import { OWN_PACKETS_MARK } from '../src/network/overlay-network.js';
import { defaultStateKeyFile } from '../src/platform/state-key.js';
import { type Crossed, watchCrossings } from './support/crossing-watch.js';
import { HeldProgram } from './support/held-program.js';
import { namespacesUnavailable } from './support/namespaces.js';
import { CONSOLE, SystemdMachine, systemdUnavailable } from './support/systemd-machine.js';
import { TwoAgents } from './support/two-agents.js';
import { LEFT, RIGHT } from './support/two-sites.js';

const PATIENCE = { timeout: 120_000 };
const FENCE = 'weft-edge-fence.service';
const EDGE = 'weft-edge.service';
/** Masks of capabilities, as /proc/PID/status has them. */
const NET_ADMIN = '0000000000001000';
const NET_ADMIN_AND_NET_RAW = '0000000000003000';
const HOMES = ['/home', '/root'];
const unavailable = namespacesUnavailable() ?? systemdUnavailable();

describe.skipIf(unavailable !== undefined)(
  `the units of an edge under systemd${unavailable ? ` (${unavailable})` : ''}`,
  () => {
    const agents = new TwoAgents('units');
    const { namespaces } = agents;
    let machine: SystemdMachine;
    let held: HeldProgram;
    let names: TwoAgents['names'];
    let crossed: () => Promise<Crossed>;

    beforeAll(async () => {
      await agents.prepare();
      names = agents.names;
      machine = new SystemdMachine('units');
      held = new HeldProgram(machine, 'ip', 'run');
      install(machine, agents.left.stateDir);
      crossed = await watchCrossings(namespaces, names.router, LEFT.underlay, ['10.1', '10.2']);
      await Promise.all([machine.boot(names.left), agents.right.run(/^edge ready$/)]);
      await machine.said(/Startup finished/);
    });

    afterAll(async () => {
      try {
        await machine?.close();
      } finally {
        await agents.close();
      }
    });

    it('start as the documents say; the agent is active as soon as its last bundle is in force, and no sooner', async () => {
      expect(services()).toEqual([]);
      const reached = heldAgent();
      const started = machine.runBeside('systemctl', 'enable', '--now', FENCE, EDGE);
      await reached;
      expect(machine.properties(FENCE)).toMatchObject({ ActiveState: 'active', SubState: 'exited', Result: 'success' });
      expect(machine.properties(EDGE)).toMatchObject({ ActiveState: 'activating', SubState: 'start' });
      expect(fence().ranges).toHaveLength(2);
      await held.release();
      await started;
      expect(machine.properties(EDGE)).toMatchObject({
        ActiveState: 'active',
        SubState: 'running',
        StatusText: 'runs generation 10 with 1 tunnels',
        UnitFileState: 'enabled',
      });
      expect(namespaces.ip(names.left, 'route show table all dev weft0')).toContain(RIGHT.networks[0]);
      expect(services()).toEqual([FENCE, EDGE]);
    });

    it('give the agent CAP_NET_ADMIN and CAP_NET_RAW, the fence CAP_NET_ADMIN, and neither anything else or a way to it', () => {
      // Before the program itself could give up anything.
      expect(given('fence')).toMatchObject({
        CapPrm: NET_ADMIN,
        CapEff: NET_ADMIN,
        CapBnd: NET_ADMIN,
        NoNewPrivs: '1',
      });
      const sets = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((set) => [set, NET_ADMIN_AND_NET_RAW]);
      const exactly = { ...Object.fromEntries(sets), NoNewPrivs: '1', Seccomp: '2' };
      expect(given('run')).toMatchObject(exactly);
      for (const thread of machine.run('ls', `/proc/${mainPid()}/task`).trim().split('\n')) {
        expect(fields(machine.run('cat', `/proc/${mainPid()}/task/${thread}/status`))).toMatchObject(exactly);
      }
    });

    it('keep from the agent what it does not need, and nothing that it does: its tunnels carry traffic', async () => {
      await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
      expect(machine.run('weft-edge', 'tunnels')).toMatch(/^peer +198\.51\.100\.1 port 4500 +keyed/m);
      const seenByAgent = (...command: string[]) => machine.attempt('nsenter', '-t', mainPid(), '-m', ...command);
      for (const file of ['/usr/x', '/etc/x', '/var/lib/x']) {
        expect(seenByAgent('touch', file)).toMatch(/Read-only file system/);
      }
      expect(seenByAgent('touch', '/var/lib/weft-edge/x', '/var/lib/weft-edge-key/x')).toBe('');
      const letters = ['find', ...HOMES, '-maxdepth', '1', '-name', 'letter'] as const;
      expect(machine.run(...letters)).toBe('/home/letter\n/root/letter\n');
      expect(seenByAgent(...letters)).toBe('');
      expect((await crossed()).clear).toBe(0);
    });

    it('start the agent again when it hangs: nothing leaves in the clear meanwhile, and its tunnels come back', async () => {
      const hung = mainPid();
      const before = machine.lineCount;
      machine.run('kill', '-STOP', hung);
      expect(agents.ping()).not.toMatch(/1 received/);
      await machine.said(/weft-edge\.service: Watchdog timeout/, before);
      await machine.said(/weft-edge\.service: Scheduled restart job, restart counter is at 1/, before);
      await machine.said(/Started weft-edge\.service/, before);
      expect(machine.properties(EDGE)).toMatchObject({ ActiveState: 'active', NRestarts: '1' });
      expect(mainPid()).not.toBe(hung);
      await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
      expect((await crossed()).clear).toBe(0);
    });

    it('start the agent again when it is killed', async () => {
      const before = machine.lineCount;
      machine.run('kill', '-KILL', mainPid());
      await machine.said(/Started weft-edge\.service/, before);
      expect(machine.properties(EDGE)).toMatchObject({ ActiveState: 'active', NRestarts: '2' });
      await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
      expect((await crossed()).clear).toBe(0);
    });

    it('end the agent in order when it is stopped, and what keeps traffic in stays', async () => {
      const before = machine.lineCount;
      machine.run('systemctl', 'stop', EDGE);
      await machine.said(/"msg":"edge stopped"/, before);
      // CLD_EXITED: it has ended by itself.
      expect(machine.properties(EDGE)).toMatchObject({
        ActiveState: 'inactive',
        Result: 'success',
        ExecMainCode: '1',
        ExecMainStatus: '0',
      });
      expect(machine.properties(FENCE)).toMatchObject({ ActiveState: 'active' });
      expect(keptIn()).toEqual({ fenced: 2, rules: 2, unreachable: 2 });
      expect(agents.ping()).not.toMatch(/1 received/);
      expect((await crossed()).clear).toBe(0);
    });

    it('close the machine when it starts, before its network and before the agent, which comes by itself', async () => {
      await machine.cutPower();
      forgetNetwork();
      expect(keptIn()).toEqual({ fenced: 0, rules: 0, unreachable: 0 });
      agents.ping();
      expect((await crossed()).clear).toBeGreaterThan(0);
      const before = machine.lineCount;
      const reached = heldAgent();
      await machine.boot(names.left);
      await reached;
      expect(keptIn()).toEqual({ fenced: 2, rules: 2, unreachable: 2 });
      expect(since('network-pre.target')).toBeGreaterThanOrEqual(since(FENCE));
      expect(since(FENCE)).toBeGreaterThan(0);
      expect(agents.ping()).not.toMatch(/1 received/);
      await held.release();
      await machine.said(/Startup finished/, before);
      expect(machine.properties(EDGE)).toMatchObject({ ActiveState: 'active', NRestarts: '0' });
      await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
      expect((await crossed()).clear).toBe(0);
    });

    /** Resolves when the agent is about to put its bundle into force, and waits there. */
    function heldAgent(): Promise<void> {
      onTestFinished(() => held.release());
      return held.next();
    }

    /** Those that do something, or did it and count as active. */
    function services(): string[] {
      const listed = machine.run('systemctl', 'list-units', '--type=service', '--all', '--plain', '--no-legend');
      return listed
        .split('\n')
        .flatMap((line) => (/ (active|activating) /.test(line) ? [line.split(' ')[0] ?? ''] : []));
    }

    function mainPid(): string {
      const { MainPID = '0' } = machine.properties(EDGE);
      expect(Number(MainPID)).toBeGreaterThan(1);
      return MainPID;
    }

    /** When it became active, in microseconds of the machine. */
    function since(unit: string): number {
      return Number(machine.properties(unit)['ActiveEnterTimestampMonotonic']);
    }

    /** What the status of a command was at its start. */
    function given(command: string): Readonly<Record<string, string>> {
      return fields(machine.run('cat', `/var/lib/weft-edge/${command}.status`));
    }

    function fence() {
      const listing = namespaces.run(names.left, 'nft', ['-j', 'list', 'table', 'inet', 'weft_edge']);
      return parseFence(JSON.parse(listing), { device: 'weft0', mark: OWN_PACKETS_MARK });
    }

    /** How much of the machine is there that keeps traffic in. */
    function keptIn(): { fenced: number; rules: number; unreachable: number } {
      const isFenced = namespaces.run(names.left, 'nft', ['list', 'tables']).includes('weft_edge');
      const each = (what: string) =>
        ['-4', '-6'].map((family) => namespaces.ip(names.left, `${family} ${what}`)).join('');
      return {
        fenced: isFenced ? (fence().ranges?.length ?? 0) : 0,
        rules: each('rule show').match(/lookup 119/g)?.length ?? 0,
        unreachable: each('route show table all type unreachable proto 119').match(/^unreachable/gm)?.length ?? 0,
      };
    }

    /** As a machine that was off: its addresses are there again, what was made while it ran is not. */
    function forgetNetwork(): void {
      namespaces.run(names.left, 'nft', ['flush', 'ruleset']);
      for (const family of ['-4', '-6']) {
        namespaces.ip(names.left, `${family} rule del priority 1190`);
        namespaces.ip(names.left, `${family} route flush table all proto 119`);
      }
    }
  },
);

/** As docs/operations.md says, with what enrollment and the controller have left of an edge. */
function install(machine: SystemdMachine, stateDir: string): void {
  writeFileSync(machine.file('/usr/bin/weft-edge'), PROGRAM);
  chmodSync(machine.file('/usr/bin/weft-edge'), 0o755);
  for (const unit of [FENCE, EDGE]) {
    copyFileSync(fileURLToPath(new URL(`../systemd/${unit}`, import.meta.url)), machine.unit(unit));
    mkdirSync(machine.unit(`${unit}.d`));
    // There is no journal.
    writeFileSync(machine.unit(`${unit}.d/console.conf`), `[Service]\nStandardOutput=append:${CONSOLE}\n`);
  }
  for (const home of HOMES) writeFileSync(machine.file(`${home}/letter`), 'of somebody');
  const state = machine.file('/var/lib/weft-edge');
  mkdirSync(state, { mode: 0o700 });
  for (const file of ['identity.json', 'bundle.sealed'])
    copyFileSync(path.join(stateDir, file), path.join(state, file));
  mkdirSync(machine.file('/var/lib/weft-edge-key'), { mode: 0o700 });
  copyFileSync(defaultStateKeyFile(stateDir), machine.file('/var/lib/weft-edge-key/state.key'));
}

/** The fields of /proc/PID/status. */
function fields(status: string): Readonly<Record<string, string>> {
  return Object.fromEntries([...status.matchAll(/^(\w+):\t(.*)$/gm)].map(([, name, value]) => [name, value]));
}

/** The sources in place of what is built of them. Leaves what it was given, and tells programs that it runs what it is. */
const PROGRAM = `#!/bin/sh
export WEFT_TEST_COMMAND=$1
if [ -n "\${INVOCATION_ID-}" ]; then cat /proc/$$/status >/var/lib/weft-edge/$1.status; fi
exec node --max-semi-space-size=4 --conditions=source --import /opt/weft/node_modules/@oxc-node/core/register.mjs \\
  /opt/weft/apps/edge-agent/src/main.ts "$@"
`;

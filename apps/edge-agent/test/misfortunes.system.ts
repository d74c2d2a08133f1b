import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import type { Bundle, SignedBundle } from '@weft/contracts/southbound';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ControllerHarness, type Heard, ON_ROUTER } from './support/controller-harness.js';
import { type Crossed, watchCrossings } from './support/crossing-watch.js';
import { namespacesUnavailable } from './support/namespaces.js';
import { fill, putOnSmallDisk } from './support/small-disk.js';
import { signBundle } from './support/test-bundle.js';
import { TestPki } from './support/test-pki.js';
import { TwoAgents } from './support/two-agents.js';
import { bundle, LEFT, LEFT_ID, negotiating, RIGHT, RIGHT_ID } from './support/two-sites.js';

const PATIENCE = { timeout: 120_000 };
/** More than an edge lets go at once. */
const ENTRIES = 24;
const TOO_LARGE = 16 * 1024 * 1024 + 1;
const unavailable = namespacesUnavailable();

describe.skipIf(unavailable !== undefined)(
  `an edge whose tunnels are up${unavailable ? ` (${unavailable})` : ''}`,
  () => {
    const agents = new TwoAgents('misfortune');
    let controller: ControllerHarness;
    let crossed: () => Promise<Crossed>;
    let mounted = false;

    beforeAll(async () => {
      await agents.prepare(ON_ROUTER);
      putOnSmallDisk(agents.left.stateDir);
      mounted = true;
      const { namespaces, names, directory, pki, left, right } = agents;
      crossed = await watchCrossings(namespaces, names.router, LEFT.underlay, ['10.1', '10.2']);
      controller = await ControllerHarness.prepare(namespaces, names.router, directory, pki);
      await controller.start();
      await Promise.all([left.run(/^edge ready$/), right.run(/^edge ready$/)]);
      await controller.hears(ofLeft('hello'));
    });

    afterAll(async () => {
      if (mounted) await agents.left.end('SIGKILL');
      if (mounted) execFileSync('umount', [agents.left.stateDir]);
      await agents.close();
    });

    it('carries traffic', async () => {
      await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
    });

    it('takes nothing from a hostile controller that it should not, and goes on carrying traffic', async () => {
      const good = signed(11n, manyEntries());
      expect((await answerTo(good)).said).toBe('ack');
      const stranger = await TestPki.create();
      const changed = Buffer.from(good.content);
      changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
      const attempts: readonly (readonly [SignedBundle, string])[] = [
        [{ ...signed(12n, few()), signatures: [] }, 'signature_missing'],
        [signBundle(stranger, few(), { edgeId: LEFT_ID, generation: 12n }), 'unknown_signing_key'],
        [{ ...good, signatures: signed(12n, few()).signatures }, 'bad_signature'],
        [{ ...good, content: changed }, 'content_hash_mismatch'],
        [signed(12n, few(), { edgeId: RIGHT_ID }), 'wrong_edge'],
        [signed(12n, few(), { epoch: 4n }), 'stale_epoch'],
        // It was in force once, and the one that is came later.
        [signed(10n, few()), 'stale_generation'],
        [signed(12n, few()), 'mass_removal'],
        [signed(12n, Buffer.alloc(TOO_LARGE)), 'too_large'],
      ];
      for (const [attempt, rule] of attempts) {
        expect(await answerTo(attempt)).toMatchObject({ said: 'nack', rule });
        await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
      }
      // What was in force still is: the same again is confirmed, and replaces nothing.
      expect((await answerTo(good)).said).toBe('ack');
      expect((await crossed()).clear).toBe(0);
    });

    it('refuses what it cannot keep when its disk is full, goes on with what it has, and takes it when there is room', async () => {
      const next = signed(20n, { ...manyEntries(), device: { mtu: 1400 } });
      const filler = path.join(agents.left.stateDir, 'filler');
      fill(filler);
      expect(await answerTo(next)).toMatchObject({ said: 'nack', rule: 'not_stored' });
      await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
      rmSync(filler);
      expect((await answerTo(next)).said).toBe('ack');
      await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
      expect((await crossed()).clear).toBe(0);
    });

    it('carries traffic again when its link was down', async () => {
      const { namespaces, names } = agents;
      namespaces.ip(names.left, 'link set wan down');
      expect(agents.ping()).not.toMatch(/1 received/);
      namespaces.ip(names.left, 'link set wan up');
      namespaces.ip(names.left, `route replace default via ${LEFT.gateway}`);
      await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
      expect((await crossed()).clear).toBe(0);
    });

    it('ends when somebody removes its overlay device, keeps traffic in, and makes another with its next start', async () => {
      const { namespaces, names, left } = agents;
      namespaces.ip(names.left, 'link delete weft0');
      expect(await left.said(/^the packet path died/)).toMatchObject({ code: 'device_gone' });
      await left.ended();
      expect(agents.ping()).not.toMatch(/1 received/);
      await left.run(/^edge ready$/);
      await expect.poll(() => agents.ping(), PATIENCE).toMatch(/1 received/);
      expect((await crossed()).clear).toBe(0);
    });

    function ofLeft(...said: readonly string[]): (heard: Heard) => boolean {
      return (heard) => heard.edge === 'left' && said.includes(heard.said);
    }

    async function answerTo(push: SignedBundle): Promise<Heard> {
      const before = controller.count;
      controller.push('left', push);
      return controller.hears(ofLeft('ack', 'nack'), before);
    }

    function signed(generation: bigint, content: Bundle | Buffer, changes = {}): SignedBundle {
      return signBundle(agents.pki, content, { edgeId: LEFT_ID, generation, ...changes });
    }
  },
);

function few(): Bundle {
  return negotiating(bundle(LEFT, RIGHT, RIGHT_ID));
}

function manyEntries(): Bundle {
  const content = few();
  const more = Array.from({ length: ENTRIES }, (_, index) =>
    content.securityPolicies.map((entry) => ({ ...entry, entryId: `${entry.entryId}-${index}` })),
  );
  return { ...content, securityPolicies: [...content.securityPolicies, ...more.flat()] };
}

import type { FabricIntent } from '@weft/fabric-compiler';
import { afterEach, describe, expect, it } from 'vitest';
import { CompilerFailure } from './compiler-failure.js';
import { CompilerThread, type CompilerThreadOptions } from './compiler-thread.js';

const INTENT: FabricIntent = { tenantId: 'tenant', sites: [], networks: [], edges: [], policies: [] };

let thread: CompilerThread | undefined;
afterEach(() => thread?.close());

function start(options: CompilerThreadOptions = {}): CompilerThread {
  thread = new CompilerThread(options);
  return thread;
}

/** A thread that does what the tenant of the intent is called. */
function scripted(options: CompilerThreadOptions = {}): CompilerThread {
  return start({ module: new URL(`data:text/javascript,${encodeURIComponent(SCRIPTED)}`), ...options });
}

const SCRIPTED = `
import { parentPort } from 'node:worker_threads';
parentPort.on('message', ({ id, job }) => {
  const { tenantId } = job.intent;
  if (tenantId === 'exit') process.exit(1);
  if (tenantId === 'hang') for (;;);
  if (tenantId === 'throw') parentPort.postMessage({ id, kind: 'failed', message: 'no such thing', stack: 'at here' });
  else parentPort.postMessage({ id, kind: 'answered', answer: tenantId });
});`;

const job = (tenantId: string) => ({ kind: 'bundles', intent: { ...INTENT, tenantId } }) as const;
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'answered',
    (error: unknown) => (error instanceof CompilerFailure ? error.code : error),
  );

describe('the thread of the compiler', () => {
  it('compiles: equal intents have equal octets, a wrong one all its problems', async () => {
    const own = start();
    const sites = [{ id: 'a', name: 'a' }];
    const networks = [{ id: 'n', siteId: 'a', name: 'n', prefix: '10.0.0.0/8' }];
    const edges = [{ id: 'e', siteId: 'a', name: 'e', underlayAddress: '203.0.113.1', underlayPort: 4500 }];
    const intent = { ...INTENT, sites, networks, edges };
    const [one, other] = await Promise.all([
      own.run({ kind: 'bundles', intent }),
      own.run({ kind: 'bundles', intent: structuredClone(intent) }),
    ]);
    if (!one.ok || !other.ok) throw new Error('a good intent was refused');
    expect(one.bundles.map(({ edgeId }) => edgeId)).toEqual(['e']);
    expect(other).toEqual(one);
    const wrong = { ...intent, edges: [{ ...edges[0], siteId: 'nowhere' }] } as FabricIntent;
    const refused = await own.run({ kind: 'bundles', intent: wrong });
    expect(refused).toMatchObject({ ok: false, problems: [{ pointer: '/edges/0/siteId', rule: 'unknown_site' }] });
    const validated = await own.run({ kind: 'validation', before: intent, after: { ...intent, edges: [] } });
    expect(validated).toMatchObject({ ok: true, validation: { bundles: [{ edgeId: 'e', change: 'removed' }] } });
  });

  it('answers what edges do not have yet, and says who has it, whether or not that was validated', async () => {
    const intent = meshOf(['a', 'b', 'c'], [['a', 'b']]);
    const edited = meshOf(['a', 'b', 'c'], [['b', 'a']]);
    const own = start();
    const first = await own.run({ kind: 'bundles', intent });
    if (!first.ok) throw new Error(JSON.stringify(first.problems));
    expect(first.unchanged).toEqual([]);
    const known = new Map(first.bundles.map(({ edgeId, hash }) => [edgeId, hash]));
    expect([...known.keys()].sort()).toEqual(['edge-a', 'edge-b', 'edge-c']);
    const serials = new Map([['edge-b', ['0a']]]);
    for (const validates of [false, true]) {
      const asked = start();
      if (validates) await asked.run({ kind: 'validation', before: intent, after: edited });
      const again = await asked.run({ kind: 'bundles', intent, known });
      expect(again).toMatchObject({ ok: true, bundles: [] });
      const next = await asked.run({ kind: 'bundles', intent: edited, known });
      const whole = await asked.run({ kind: 'bundles', intent: edited });
      if (!next.ok || !whole.ok) throw new Error('it compiled');
      expect(next.unchanged).toEqual(['edge-c']);
      expect(next.bundles).toEqual(whole.bundles.filter(({ edgeId }) => edgeId !== 'edge-c'));
      // Who must not be believed is in the bundle of the peer, whatever was validated.
      const revoked = await asked.run({ kind: 'bundles', intent, known, revokedSerials: serials });
      expect(revoked).toMatchObject({ ok: true, bundles: [{ edgeId: 'edge-a' }] });
    }
  });

  it('says so when it ends under a job, is replaced, and does the rest', async () => {
    const ends: (Error | undefined)[] = [];
    const own = scripted({ onThreadEnded: (error) => ends.push(error) });
    const outcomes = [own.run(job('one')), own.run(job('exit')), own.run(job('two'))].map(codeOf);
    expect(await Promise.all(outcomes)).toEqual(['answered', 'thread_ended', 'answered']);
    expect(ends).toHaveLength(1);
  });

  it('goes on after a job that throws, and hands its cause on', async () => {
    const own = scripted();
    const failed = own.run(job('throw'));
    expect(await codeOf(failed)).toBe('compiler_threw');
    await expect(failed).rejects.toMatchObject({ cause: { message: 'no such thing', stack: 'at here' } });
    expect(await own.run(job('next'))).toBe('next');
  });

  it('is replaced when a job does not end', async () => {
    const own = scripted({ jobTimeoutMilliseconds: 300 });
    expect(await codeOf(own.run(job('hang')))).toBe('took_too_long');
  });

  it('drops what was outdated before its turn came, and only that', async () => {
    const own = scripted();
    const first = own.run(job('first'));
    const outdated = codeOf(own.run(job('outdated'), { subject: 'draft' }));
    const other = own.run(job('other'), { subject: 'another draft' });
    const newest = own.run(job('newest'), { subject: 'draft' });
    expect(await outdated).toBe('superseded');
    expect(await Promise.all([first, other, newest])).toEqual(['first', 'other', 'newest']);
  });

  it('does what is urgent first, in its order', async () => {
    const own = scripted();
    const order: string[] = [];
    const run = (name: string, urgent: boolean) => own.run(job(name), { urgent }).then(() => order.push(name));
    await Promise.all([run('a', false), run('b', false), run('c', true), run('d', true), run('e', false)]);
    expect(order).toEqual(['a', 'c', 'd', 'b', 'e']);
  });

  it('refuses what exceeds its queue', async () => {
    const own = scripted({ maximumWaiting: 2 });
    const outcomes = ['a', 'b', 'c', 'd'].map((name) => codeOf(own.run(job(name))));
    expect(await Promise.all(outcomes)).toEqual(['answered', 'answered', 'answered', 'queue_full']);
  });

  it('fails what is under way, what waits and what comes later when it is closed', async () => {
    const own = scripted();
    const [running, waiting] = [codeOf(own.run(job('hang'))), codeOf(own.run(job('waiting')))];
    await own.close();
    expect(await Promise.all([running, waiting, codeOf(own.run(job('late')))])).toEqual([
      'stopped',
      'stopped',
      'stopped',
    ]);
  });
});

/** Sites with an edge each, and a rule for each of the pairs. */
function meshOf(names: readonly string[], pairs: readonly (readonly [string, string])[]): FabricIntent {
  const site = (siteId: string) => [{ kind: 'site' as const, siteId }];
  return {
    ...INTENT,
    keyingMode: 'ikev2',
    sites: names.map((id) => ({ id, name: id })),
    networks: names.map((id, index) => ({ id: `lan-${id}`, siteId: id, name: 'lan', prefix: `10.${index}.0.0/16` })),
    edges: names.map((id, index) => ({
      id: `edge-${id}`,
      siteId: id,
      name: id,
      underlayAddress: `203.0.113.${index + 1}`,
      underlayPort: 4500,
    })),
    policies: [
      {
        id: 'policy',
        name: 'policy',
        enabled: true,
        rules: pairs.map(([from, to], index) => ({
          id: `rule-${index}`,
          name: `rule ${index}`,
          action: 'PROTECT',
          sources: site(from),
          destinations: site(to),
          services: [{ protocol: 'tcp', ports: [{ first: 443, last: 443 }] }],
        })),
      },
    ],
  };
}

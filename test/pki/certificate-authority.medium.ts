import { randomInt, randomUUID, X509Certificate } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import {
  ForeignAuthority,
  followForeignAuthority,
  retireCertificateAuthority,
  rotateCertificateAuthority,
  rotateIntermediateAuthority,
  TestController,
  TestPostgres,
  temporaryDirectory,
  writeAuthorityFromBefore,
} from '@weft/controller/test-controller';
import { type Identity, ikeBetween, parseIdentity, TestAgent } from '@weft/edge-agent/test-agent';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';

/** Some hundred IKE SAs and three starts of a controller, on a machine that does other things too. */
const PATIENCE_MILLISECONDS = 400_000;

/** Rotates the certificate authority of a fabric of real agents (their control halves) under a real controller. */
let postgres: TestPostgres;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let databaseUrl: string;
let controller: TestController;
let agents: Map<string, TestAgent>;
let tenantId: string;
const host = `127.${randomInt(64, 128)}.${randomInt(256)}.${randomInt(1, 255)}`;
const edgeIds = new Map<string, string>();

beforeAll(async () => {
  postgres = await TestPostgres.start();
});
afterAll(() => postgres.remove());
afterEach(async () => {
  for (const agent of agents.values()) await agent.stop();
  await controller.stop();
  await directory.remove();
});

it.each<[string, Installation]>([
  ['of an installation from before there were intermediates, whose root issues itself', 'from before'],
  ['of an installation whose root has an intermediate', 'with an intermediate'],
  ['by that of somebody else', 'below another root'],
])(
  'replaces the certificate authority %s, and at no time two edges cannot authenticate each other or one its controller',
  async (_, installation) => {
    directory = await temporaryDirectory('rotation');
    if (installation === 'from before') await writeAuthorityFromBefore(dataDirectory());
    // Authorities between an edge and the root, before the rotation and after it.
    const [issuers, issuersAfter] = ISSUERS[installation];
    const foreign = await (await ForeignAuthority.root()).below();
    const isForeign = installation === 'below another root';
    const rotate = () =>
      isForeign ? followForeignAuthority(dataDirectory(), foreign) : rotateCertificateAuthority(dataDirectory());
    tenantId = randomUUID();
    edgeIds.clear();
    databaseUrl = await postgres.createDatabase();
    agents = new Map();
    controller = await startController();
    const doors = doorsOf(controller);
    await seed(['berlin', 'paris', 'tokyo', 'lima', 'oslo', 'quito']);
    for (const name of ['berlin', 'paris', 'tokyo']) await enroll(name);
    for (const name of ['berlin', 'paris', 'tokyo']) await start(name, true);
    await everyPair();
    const before = new Map([...agents].map(([name, { identity }]) => [name, identity]));
    const [oldRoot] = agent('berlin').identity.trustBundle;

    // There is another authority, and nobody knows of it yet: not even the controller, which runs on.
    await rotate();
    await expect(rotateCertificateAuthority(dataDirectory())).rejects.toMatchObject({ code: 'rotation_underway' });
    await expect(retire()).rejects.toMatchObject({ code: 'not_in_use' });
    const early = await commandFor('lima');
    await enroll('oslo');
    await everyPair();

    // The controller is started with it. Each edge learns of it at another time, or not at all yet.
    const gone = [...agents.keys()];
    for (const name of gone) await stop(name);
    await controller.stop();
    controller = await startController(doors);
    await start('berlin', true);
    await agent('berlin').has(({ underIssuingRoot, trustVersion }) => underIssuingRoot && trustVersion === 2);
    await start('paris', false);
    await agent('paris').has(({ trustVersion }) => trustVersion === 2);
    expect(agent('paris').identity).toMatchObject({ underIssuingRoot: false, trustVersion: 2 });
    expect(agent('paris').identity.certificateChain).toEqual(before.get('paris')?.certificateChain);
    // With a token that was made before, and pins the authority before.
    await TestAgent.enroll(early, place('lima'));
    await start('lima', true);
    await agent('lima').has(({ trustVersion }) => trustVersion === 2);
    const identities: Record<string, Identity> = {
      // Has learned of it and has renewed; has learned of it alone; has heard nothing; was enrolled since.
      berlin: agent('berlin').identity,
      paris: agent('paris').identity,
      tokyo: before.get('tokyo') as Identity,
      lima: agent('lima').identity,
      // An agent that knows nothing of all this has renewed: it shows what it was given and trusts whom it did.
      older: await withoutTrust(agent('berlin'), oldRoot ?? ''),
    };
    expect(Object.values(identities).map(authoritiesOf)).toEqual([
      { trusted: 2, chain: 2 + issuersAfter },
      { trusted: 2, chain: 1 + issuers },
      { trusted: 1, chain: 1 + issuers },
      { trusted: 2, chain: 2 + issuersAfter },
      { trusted: 1, chain: 2 + issuersAfter },
    ]);
    await everyPairOf(identities);

    // The one before stays as long as anybody needs it, and says who does.
    await reported('berlin');
    await reported('lima');
    const refusal = await retire().then(
      () => undefined,
      (error: Error) => error,
    );
    expect(refusal).toMatchObject({ code: 'still_depended_on' });
    expect([...(refusal?.message ?? '').matchAll(/ \/ (\w+) .*: (.*)/g)].map(([, name, why]) => [name, why])).toEqual([
      ['oslo', 'has not said that it trusts the new one; connect it, with an agent that knows how to say so'],
      ['paris', 'has a certificate that the one before has issued'],
      ['tokyo', 'has not said that it trusts the new one; connect it, with an agent that knows how to say so'],
    ]);
    expect(agent('berlin').ended).toEqual([]);

    // The rest follows; one never comes back, and is revoked.
    await stop('paris');
    for (const name of ['paris', 'tokyo']) {
      await start(name, true);
      await agent(name).has(({ underIssuingRoot, trustVersion }) => underIssuingRoot && trustVersion === 2);
      await reported(name);
    }
    await everyPair();
    await expect(retire()).rejects.toThrow(/^1 edges in force still depend/);
    await controller.sql`update edges set revoked_at = now(), revocation_reason = 'lost' where id = ${idOf('oslo')}`;
    const late = await commandFor('oslo');
    await retire();
    await everyPair();
    expect([...agents.values()].flatMap(({ ended }) => ended)).toEqual([]);

    // It is retired for the controller, too; edges hear of it one after the other.
    for (const name of [...agents.keys()]) if (name !== 'berlin') await stop(name);
    await controller.stop();
    const overlap = new Map(await Promise.all([...edgeIds.keys()].filter(isEnrolled).map(storedOf)));
    controller = await startController(doors);
    await agent('berlin').welcomed(2);
    await agent('berlin').has(({ trustVersion }) => trustVersion === 3);
    expect(authoritiesOf(agent('berlin').identity).trusted).toBe(1);
    await everyPairOf({ ...Object.fromEntries(overlap), berlin: agent('berlin').identity });
    for (const name of ['paris', 'tokyo', 'lima']) {
      await start(name, true);
      await agent(name).has(({ trustVersion }) => trustVersion === 3);
    }
    await everyPair();

    // Whoever has not followed is believed by nobody any more, and a token of then leads nowhere.
    const left = before.get('tokyo') as Identity;
    expect(await ikeBetween(left, agent('berlin').identity)).toContain('ike-failed');
    await expect(TestAgent.enroll(late, place('oslo'))).rejects.toMatchObject({ code: 'pin_mismatch' });
    // On an empty machine: a new identity waits beside an old one until an agent that has it begins anew.
    await rm(place('oslo'), { recursive: true });
    await TestAgent.enroll(await commandFor('oslo'), place('oslo'));
    await start('oslo', true);
    await everyPair();
    // An intermediate issues now in any case: what edges have from before it, or before the next one, stays good beside it.
    expect(authoritiesOf(agent('oslo').identity)).toEqual({ trusted: 1, chain: isForeign ? 3 : 2 });
    await (isForeign ? rotate() : rotateIntermediateAuthority(dataDirectory()));
    const again = [...agents.values()].map((one) => ({ one, times: one.welcomes + 1 }));
    await controller.stop();
    controller = await startController(doors);
    await enroll('quito');
    await start('quito', true);
    const intermediates = ['oslo', 'quito'].map((name) => agent(name).identity.certificateChain[1]);
    expect(new Set(intermediates).size).toBe(2);
    for (const { one, times } of again) await one.welcomed(times);
    await everyPair();
    expect(agent('quito').identity.trustBundle).toEqual(agent('oslo').identity.trustBundle);
  },
  PATIENCE_MILLISECONDS,
);

type Installation = keyof typeof ISSUERS;
const ISSUERS = {
  'from before': [0, 0],
  'with an intermediate': [1, 1],
  'below another root': [1, 2],
} as const;

/** Every edge that runs, with every other, whoever begins. */
async function everyPair(): Promise<void> {
  await everyPairOf(Object.fromEntries([...agents].map(([name, { identity }]) => [name, identity])));
}

async function everyPairOf(identities: Readonly<Record<string, Identity>>): Promise<void> {
  const found: string[][] = [];
  const wanted: string[][] = [];
  for (const [from, here] of Object.entries(identities)) {
    for (const [to, there] of Object.entries(identities)) {
      if (here.edgeId === there.edgeId) continue;
      wanted.push([from, to, 'established']);
      found.push([from, to, await ikeBetween(here, there)]);
    }
  }
  expect(found).toEqual(wanted);
}

function authoritiesOf({ trustBundle, certificateChain }: Identity): { trusted: number; chain: number } {
  return { trusted: trustBundle.length, chain: certificateChain.length };
}

async function withoutTrust(from: TestAgent, oldRoot: string): Promise<Identity> {
  const { trustVersion: _, ...stored } = await from.stored;
  return { ...parseIdentity({ ...stored, trustBundle: [oldRoot] }), edgeName: 'older' };
}

/** Resolves when the controller knows what an edge has now. */
async function reported(name: string): Promise<void> {
  const { certificateChain, trustVersion } = agent(name).identity;
  const serial = new X509Certificate(certificateChain[0] ?? '').serialNumber.toLowerCase();
  await expect
    .poll(
      () =>
        controller.sql`select certificate_serial, version::int as version from edge_trust where edge_id = ${idOf(name)}`,
    )
    .toEqual([{ certificateSerial: serial, version: trustVersion }]);
}

function retire(): Promise<void> {
  return retireCertificateAuthority(dataDirectory(), databaseUrl);
}

async function seed(names: readonly string[]): Promise<void> {
  await controller.sql`insert into tenants (id, name) values (${tenantId}, 'tenant')`;
  for (const [index, name] of names.entries()) {
    const [siteId, edgeId] = [randomUUID(), randomUUID()];
    edgeIds.set(name, edgeId);
    await controller.sql`insert into sites (id, tenant_id, name) values (${siteId}, ${tenantId}, ${name})`;
    await controller.sql`
      insert into edges (id, tenant_id, site_id, name, underlay_address, underlay_port)
      values (${edgeId}, ${tenantId}, ${siteId}, ${name}, ${`192.0.2.${index + 1}`}::text::inet, 4500)`;
  }
}

/** What the console shows for an edge that is to be enrolled. */
function commandFor(name: string): Promise<string> {
  return controller.enrollmentCommand(tenantId, idOf(name));
}

async function enroll(name: string): Promise<void> {
  await TestAgent.enroll(await commandFor(name), place(name));
}

async function start(name: string, renews: boolean): Promise<void> {
  const started = await TestAgent.start(place(name), renews);
  agents.set(name, started);
  await started.welcomed();
}

async function stop(name: string): Promise<void> {
  await agent(name).stop();
  agents.delete(name);
}

async function storedOf(name: string): Promise<[string, Identity]> {
  const held = await TestAgent.read(place(name));
  return [name, parseIdentity(held)];
}

const isEnrolled = (name: string) => name !== 'oslo' && name !== 'quito';

function agent(name: string): TestAgent {
  const found = agents.get(name);
  if (found === undefined) throw new Error(`no agent of ${name} runs`);
  return found;
}

function idOf(name: string): string {
  return edgeIds.get(name) ?? '';
}

function place(name: string): string {
  return path.join(directory.path, name);
}

function dataDirectory(): string {
  return path.join(directory.path, 'controller');
}

/** Where the doors were, so that edges find them again. */
function doorsOf({ addresses }: TestController): Record<string, string> {
  return { WEFT_SESSION_LISTEN: addresses.session, WEFT_ENROLLMENT_LISTEN: addresses.enrollment };
}

function startController(environment: Record<string, string> = {}): Promise<TestController> {
  // Of a controller that is away for a moment the ports must stay free: whoever connects does so from 127.0.0.1, and may be given any port there.
  const doors = { WEFT_PUBLIC_HOST: host, WEFT_SESSION_LISTEN: `${host}:0`, WEFT_ENROLLMENT_LISTEN: `${host}:0` };
  return TestController.start({
    databaseUrl,
    dataDirectory: dataDirectory(),
    environment: { ...doors, ...environment },
  });
}

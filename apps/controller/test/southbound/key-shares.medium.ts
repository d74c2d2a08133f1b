import { status } from '@grpc/grpc-js';
import { KeyingMode } from '@weft/contracts/southbound';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { KeyShareCounts, type KeyShareResult } from '../../src/key-shares/key-share-counts.js';
import { EdgeStates } from '../../src/observations/edge-states.js';
import { TunnelStates } from '../../src/observations/tunnel-states.js';
import { Database } from '../../src/platform/database/database.js';
import { eventually } from '../support/patience.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { TestController } from '../support/test-controller.js';
import { TestPostgres } from '../support/test-postgres.js';
import { TestFabric } from './fabric.js';
import { enrolled, ScriptedEdge } from './scripted-edge.js';

const BLIND = {
  keyingModes: [KeyingMode.KEYING_MODE_IKEV2, KeyingMode.KEYING_MODE_IKE_LESS, KeyingMode.KEYING_MODE_CONTROLLER_BLIND],
};
const MODE = { keyingMode: 'controller-blind' } as const;

let postgres: TestPostgres;
let databaseUrl: string;
let data: Awaited<ReturnType<typeof temporaryDirectory>>;
let controllers: TestController[];
let controller: TestController;
let fabric: TestFabric;
let edges: readonly [ScriptedEdge, ScriptedEdge, ScriptedEdge];

beforeAll(async () => {
  postgres = await TestPostgres.start();
});
afterAll(() => postgres.remove());

beforeEach(async () => {
  databaseUrl = await postgres.createDatabase();
  data = await temporaryDirectory('key-shares');
  controllers = [];
  controller = await startController();
  fabric = new TestFabric();
  await fabric.seed(controller);
  const [paris, tokyo, lima] = fabric.edgeIds;
  edges = ScriptedEdge.together([
    new ScriptedEdge('paris', await enrolled(controller, fabric.tenantId, paris)),
    new ScriptedEdge('tokyo', await enrolled(controller, fabric.tenantId, tokyo)),
    new ScriptedEdge('lima', await enrolled(controller, fabric.tenantId, lima)),
  ]);
  return async () => {
    for (const edge of edges) edge.close();
    for (const each of controllers) await each.stop();
    await data.remove();
  };
});

describe('what an edge says for the other end of a tunnel', () => {
  it('reaches that as it is and nobody else, at once and with each new session', async () => {
    const [paris, tokyo, lima] = edges;
    await fabric.publish(controller, ['PROTECT', 'PROTECT'], MODE);
    for (const edge of edges) edge.connect(controller, BLIND);
    const tunnelId = await tunnelBetween(paris, tokyo);
    await lima.until(() => lima.running);
    expect(paris.messages('welcome')).toMatchObject([{ relaysKeyShares: true }]);
    say(paris, tunnelId, 'offer 1');
    await tokyo.until(() => heard(tokyo).length === 1);
    say(tokyo, tunnelId, 'answer 1');
    await paris.until(() => heard(paris).length === 1);
    say(paris, tunnelId, 'offer 2');
    await tokyo.until(() => heard(tokyo).length === 2);
    expect(tokyo.messages('keyShare').map((share) => [share.tunnelId, share.signedMessage.toString()])).toEqual([
      [tunnelId, 'offer 1'],
      [tunnelId, 'offer 2'],
    ]);
    expect(heard(paris)).toEqual(['answer 1']);
    tokyo.reboot();
    await eventually(() => expect(state(1).connected).toBe(false));
    tokyo.connect(controller, BLIND);
    await tokyo.until(() => heard(tokyo).length === 1);
    expect(heard(tokyo)).toEqual(['offer 2']);
    // Whatever was for lima came before this.
    const other = await tunnelBetween(paris, lima);
    say(paris, other, 'offer to lima');
    await lima.until(() => heard(lima).length === 1);
    expect(heard(lima)).toEqual(['offer to lima']);
    expect(await stored()).toEqual(['answer 1', 'offer 2', 'offer to lima']);
    expect(paris.messages('securityAssociationCommand')).toEqual([]);
  });

  it('is the same again when it says so: the other end may have lost what it had', async () => {
    const [paris, tokyo] = edges;
    const tunnelId = await inForce(paris, tokyo);
    for (const count of [1, 2]) {
      say(paris, tunnelId, 'offer 1');
      await tokyo.until(() => heard(tokyo).length === count);
    }
    expect(heard(tokyo)).toEqual(['offer 1', 'offer 1']);
  });

  it('waits until the edge itself runs the tunnel so, and then until the other end does', async () => {
    const [paris, tokyo] = edges;
    await fabric.publish(controller, ['PROTECT'], MODE);
    let acknowledge: () => void = noop;
    paris.answerPush = (push) => {
      acknowledge = () => {
        paris.say(paris.apply(push));
      };
      return undefined;
    };
    tokyo.answerPush = () => undefined;
    paris.connect(controller, BLIND);
    tokyo.connect(controller, BLIND);
    await paris.until(() => paris.messages('bundlePush')[0]);
    const tunnelId = await eventually(() => {
      const [tunnel] = tunnels();
      if (tunnel === undefined) throw new Error('no tunnel');
      return tunnel.tunnelId;
    });
    say(paris, tunnelId, 'offer 1');
    // Of no tunnel: answered to in no way, and counted behind the one before it.
    say(paris, fabric.tenantId, 'stray');
    await eventually(() => expect(count('no_tunnel')).toBe(1));
    expect(await stored()).toEqual([]);
    acknowledge();
    await eventually(async () => expect(await stored()).toEqual(['offer 1']));
    const [push] = tokyo.messages('bundlePush');
    if (push === undefined) throw new Error('no push');
    expect(heard(tokyo)).toEqual([]);
    tokyo.say(tokyo.apply(push));
    await tokyo.until(() => heard(tokyo).length === 1);
    expect(heard(tokyo)).toEqual(['offer 1']);
  });

  it('goes through the database when the other end is connected to another controller', async () => {
    const [paris, tokyo] = edges;
    await fabric.publish(controller, ['PROTECT'], MODE);
    const other = await startController();
    paris.connect(controller, BLIND);
    tokyo.connect(other, BLIND);
    const tunnelId = await tunnelBetween(paris, tokyo);
    say(paris, tunnelId, 'offer 1');
    await tokyo.until(() => heard(tokyo).length === 1);
    say(tokyo, tunnelId, 'answer 1');
    await paris.until(() => heard(paris).length === 1);
    say(paris, tunnelId, 'offer 2');
    await tokyo.until(() => heard(tokyo).length === 2);
    expect([heard(tokyo), heard(paris)]).toEqual([['offer 1', 'offer 2'], ['answer 1']]);
  });

  it('goes with the tunnel', async () => {
    const [paris, tokyo] = edges;
    const tunnelId = await inForce(paris, tokyo);
    say(paris, tunnelId, 'offer 1');
    await tokyo.until(() => heard(tokyo).length === 1);
    await fabric.publish(controller, ['DISCARD', 'PROTECT'], MODE);
    expect(await stored()).toEqual([]);
    // What crossed with the revision is left, and the session goes on.
    say(paris, tunnelId, 'offer 2');
    await eventually(() => expect(count('no_tunnel')).toBe(1));
    await fabric.publish(controller, ['PROTECT'], MODE);
    await paris.until(() => paris.bundle?.tunnels[0]?.tunnelId === tunnelId);
    expect(await stored()).toEqual([]);
    expect(controller.log).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        component: 'key-shares',
        edgeId: fabric.edgeIds[0],
        tunnelId,
        msg: 'a key share is of no tunnel in that keying mode; not relayed',
      }),
    );
  });

  it('is not relayed in another keying mode, and goes when the mode does', async () => {
    const [paris, tokyo] = edges;
    const tunnelId = await inForce(paris, tokyo);
    say(paris, tunnelId, 'offer 1');
    await tokyo.until(() => heard(tokyo).length === 1);
    await fabric.publish(controller, ['PROTECT'], { keyingMode: 'ikev2' });
    expect(await stored()).toEqual([]);
    say(paris, tunnelId, 'offer 2');
    await eventually(() => expect(count('no_tunnel')).toBe(1));
    expect(await stored()).toEqual([]);
  });

  it('waits while Postgres is gone: the latest is stored and relayed when it is back', async () => {
    const [paris, tokyo] = edges;
    const tunnelId = await inForce(paris, tokyo);
    say(paris, tunnelId, 'offer 1');
    await tokyo.until(() => heard(tokyo).length === 1);
    await postgres.stop();
    try {
      for (const number of [2, 3, 4]) say(paris, tunnelId, `offer ${number}`);
      await eventually(() =>
        expect(controller.log).toContainEqual(expect.objectContaining({ msg: 'key shares wait for the database' })),
      );
    } finally {
      await postgres.restart();
    }
    await eventually(() => controller.controller.application.get(Database).check());
    await eventually(async () => expect(await stored()).toEqual(['offer 4']));
    expect(count('stored') + count('superseded')).toBe(4);
    await tokyo.until(() => heard(tokyo).at(-1) === 'offer 4');
  });

  it('that comes faster than it is stored is the latest in the end, and what was left out is counted', async () => {
    const [paris, tokyo] = edges;
    const tunnelId = await inForce(paris, tokyo);
    const sent = 500;
    for (let number = 1; number <= sent; number += 1) say(paris, tunnelId, `offer ${number}`);
    await tokyo.until(() => heard(tokyo).at(-1) === `offer ${sent}`);
    await eventually(() => expect(count('stored') + count('superseded')).toBe(sent));
    expect(count('superseded')).toBeGreaterThan(0);
    expect(count('relayed')).toBe(heard(tokyo).length);
    const numbers = heard(tokyo).map((message) => Number(message.slice('offer '.length)));
    expect(numbers).toEqual([...numbers].sort((one, other) => one - other));
  });
});

describe('an edge whose agent does not offer the mode', () => {
  it('is sent no bundle in it and no message, and both the edge and its tunnels say so; another agent gets them', async () => {
    const [paris, tokyo] = edges;
    await fabric.publish(controller, ['PROTECT'], { keyingMode: 'ikev2' });
    paris.connect(controller, BLIND);
    tokyo.connect(controller);
    await tokyo.until(() => tokyo.running);
    await paris.until(() => paris.running);
    await fabric.publish(controller, ['PROTECT'], MODE);
    const reason =
      'its agent does not offer KEYING_MODE_CONTROLLER_BLIND; update it, or choose another keying mode for the fabric';
    await paris.until(() => paris.messages('bundlePush')[1]);
    await eventually(() =>
      expect(state(1)).toMatchObject({
        inSync: false,
        lastRejection: { path: 'tunnels[0].keying_mode', rule: 'keying_mode_not_offered', reason },
      }),
    );
    expect(tunnels()).toMatchObject([
      {
        keyingMode: 'controller-blind',
        state: 'down',
        reason: `tokyo does not run the bundle that holds the tunnel: ${reason}`,
      },
    ]);
    const tunnelId = await tunnelBetween(paris);
    say(paris, tunnelId, 'offer 1');
    await eventually(async () => expect(await stored()).toEqual(['offer 1']));
    // The next thing that it hears is of the revision that it can run.
    await fabric.publish(controller, ['PROTECT', 'PROTECT'], { keyingMode: 'ikev2' });
    await tokyo.until(() => tokyo.messages('bundlePush')[1] ?? state(1).inSync);
    expect(tokyo.messages('keyShare')).toEqual([]);
    await fabric.publish(controller, ['PROTECT'], MODE);
    await eventually(() => expect(state(1).lastRejection?.rule).toBe('keying_mode_not_offered'));
    tokyo.reboot();
    await eventually(() => expect(state(1).connected).toBe(false));
    tokyo.connect(controller, BLIND);
    await eventually(() => expect(state(1)).toMatchObject({ inSync: true, lastRejection: null }));
    await paris.until(() => paris.bundle?.tunnels[0]?.keyingMode === KeyingMode.KEYING_MODE_CONTROLLER_BLIND);
    say(paris, tunnelId, 'offer 2');
    await tokyo.until(() => heard(tokyo).at(-1) === 'offer 2');
  });

  it('is refused when it says something', async () => {
    const [paris] = edges;
    await fabric.publish(controller, ['PROTECT'], MODE);
    paris.connect(controller);
    say(paris, fabric.tenantId, 'offer');
    const refusal = await paris.status();
    expect(refusal).toEqual({
      code: status.INVALID_ARGUMENT,
      details: 'key_share: is taken only from an edge whose Hello offers KEYING_MODE_CONTROLLER_BLIND',
    });
  });

  it('may offer nothing else', async () => {
    const [paris, tokyo] = edges;
    await fabric.publish(controller, ['PROTECT'], MODE);
    const only = { keyingModes: [KeyingMode.KEYING_MODE_CONTROLLER_BLIND] };
    paris.connect(controller, only);
    tokyo.connect(controller, only);
    say(paris, await tunnelBetween(paris, tokyo), 'offer 1');
    await tokyo.until(() => heard(tokyo).length === 1);
  });
});

async function startController(): Promise<TestController> {
  const started = await TestController.start({ databaseUrl, dataDirectory: data.path });
  controllers.push(started);
  return started;
}

/** The fabric is in this mode at both edges. */
async function inForce(one: ScriptedEdge, other: ScriptedEdge): Promise<string> {
  await fabric.publish(controller, ['PROTECT'], MODE);
  one.connect(controller, BLIND);
  other.connect(controller, BLIND);
  return tunnelBetween(one, other);
}

/** The tunnel that all of them run in this mode; of one alone its first. */
async function tunnelBetween(one: ScriptedEdge, other: ScriptedEdge = one): Promise<string> {
  const blind = (edge: ScriptedEdge) =>
    (edge.bundle?.tunnels ?? [])
      .filter(({ keyingMode }) => keyingMode === KeyingMode.KEYING_MODE_CONTROLLER_BLIND)
      .map(({ tunnelId }) => tunnelId);
  return one.until(() => blind(one).find((tunnelId) => blind(other).includes(tunnelId)));
}

function say(edge: ScriptedEdge, tunnelId: string, message: string): void {
  edge.say({ $case: 'keyShare', value: { tunnelId, signedMessage: Buffer.from(message) } });
}

function heard(edge: ScriptedEdge): string[] {
  return edge.messages('keyShare').map(({ signedMessage }) => signedMessage.toString());
}

/** All messages in the database, in the order of their text. */
async function stored(): Promise<string[]> {
  const rows = await controller.sql<{ signedMessage: Buffer }[]>`select signed_message from key_shares`;
  return rows.map(({ signedMessage }) => signedMessage.toString()).sort();
}

function count(result: KeyShareResult): number {
  return controller.controller.application.get(KeyShareCounts).all.get(result) ?? 0;
}

function state(index: number) {
  return controller.controller.application.get(EdgeStates).of(fabric.edgeIds[index] ?? '');
}

function tunnels() {
  return [...controller.controller.application.get(TunnelStates).list(fabric.tenantId)];
}

function noop(): void {
  return;
}

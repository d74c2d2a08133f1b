import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BundleManifest } from '@weft/contracts/southbound';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { backupDatabase, restoreDatabase } from '../../src/backup/backup-database.js';
import { parseConfig } from '../../src/config/parse-config.js';
import { EdgeStates } from '../../src/observations/edge-states.js';
import { BundleSigner } from '../../src/pki/bundle-signer.js';
import { createLogger } from '../../src/platform/logging/logger.js';
import { eventually } from '../support/patience.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { TestController } from '../support/test-controller.js';
import { TestPostgres } from '../support/test-postgres.js';
import { TestFabric } from './fabric.js';
import { enrolled, ScriptedEdge } from './scripted-edge.js';

let postgres: TestPostgres;
let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeAll(async () => {
  postgres = await TestPostgres.start();
  folder = await temporaryDirectory('restored');
});
afterAll(async () => {
  await postgres.remove();
  await folder.remove();
});

it('a controller on a restored database, on another machine, is one that edges believe, whatever they have seen since', async () => {
  const [databaseUrl, dataDirectory] = [await postgres.createDatabase(), join(folder.path, 'before')];
  const [file, key] = [join(folder.path, 'weft.backup'), join(folder.path, 'key')];
  await writeFile(key, randomBytes(32).toString('hex'), { mode: 0o600 });
  const fabric = new TestFabric();
  let controller = await TestController.start({ databaseUrl, dataDirectory });
  await fabric.seed(controller);
  const paris = new ScriptedEdge('paris', await enrolled(controller, fabric.tenantId, fabric.edgeIds[0]));
  try {
    await fabric.publish(controller, ['PROTECT']);
    paris.connect(controller);
    await paris.until(() => paris.running);
    const signer = controller.controller.application.get(BundleSigner);
    const pinned = createPublicKey({ key: signer.publicKey, format: 'der', type: 'spki' });
    // While the controller runs.
    const saved = await backupDatabase(context(databaseUrl, dataDirectory), file, key);
    expect(saved.keys).toBeGreaterThan(0);

    // What happens after that is not in the backup, and the edge has seen it.
    await fabric.publish(controller, ['PROTECT', 'PROTECT']);
    await paris.until(() => paris.running?.generation === 2n);
    paris.close();
    await controller.stop();
    controller = await TestController.start({ databaseUrl, dataDirectory });
    paris.connect(controller);
    const [seen] = await paris.until(() =>
      paris.messages('welcome').length > 0 ? paris.messages('welcome') : undefined,
    );
    paris.close();
    await controller.stop();

    const [emptyUrl, newDirectory] = [await postgres.createDatabase(), join(folder.path, 'after')];
    const restored = await restoreDatabase(context(emptyUrl, newDirectory), file, key, false);
    expect(restored.keys).toBe('restored');
    controller = await TestController.start({ databaseUrl: emptyUrl, dataDirectory: newDirectory });
    paris.connect(controller);
    const push = await paris.until(() => paris.messages('bundlePush')[0]);
    const [welcome] = paris.messages('welcome');
    expect(welcome?.epoch).toBeGreaterThan(seen?.epoch ?? 0n);
    const { manifest, signatures } = push.bundle ?? { manifest: Buffer.alloc(0), signatures: [] };
    const { epoch, generation, revision } = BundleManifest.decode(manifest);
    expect({ epoch, revision }).toEqual({ epoch: welcome?.epoch, revision: 1n });
    expect(generation).toBeGreaterThan(2n);
    const signed = Buffer.concat([Buffer.from('weft bundle v1\0'), manifest]);
    expect(signatures.map(({ signature }) => verify(null, signed, pinned, signature))).toEqual([true]);
    const states = controller.controller.application.get(EdgeStates);
    await eventually(() => expect(states.of(fabric.edgeIds[0])).toMatchObject({ connected: true, inSync: true }));
  } finally {
    paris.close();
    await controller.stop();
  }
});

function context(databaseUrl: string, dataDirectory: string) {
  const config = parseConfig({ DATABASE_URL: databaseUrl, WEFT_DATA_DIR: dataDirectory });
  return { config, logger: createLogger('silent'), now: new Date() };
}

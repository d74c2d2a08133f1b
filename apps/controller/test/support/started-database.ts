import { parseConfig } from '../../src/config/parse-config.js';
import { Database } from '../../src/platform/database/database.js';
import { DatabaseScopes } from '../../src/platform/database/database-scope.js';
import { createLogger } from '../../src/platform/logging/logger.js';
import { temporaryDirectory } from './temporary-directory.js';

/** The database as the controller starts it, without the controller: nothing happens in it but what a test does. */
export async function startedDatabase(url: string): Promise<Database> {
  const directory = await temporaryDirectory('isolation');
  const config = parseConfig({ DATABASE_URL: url, WEFT_DATA_DIR: directory.path });
  const database = new Database(config, new DatabaseScopes(), createLogger('silent'));
  try {
    await database.start();
    return database;
  } catch (error) {
    await database.stop();
    throw error;
  } finally {
    await directory.remove();
  }
}

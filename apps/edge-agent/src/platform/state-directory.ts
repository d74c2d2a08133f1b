import { constants } from 'node:fs';
import { chmod, type FileHandle, lstat, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { AgentError, messageOf, systemCodeOf } from './agent-error.js';

/** What can be wrong with the state directory. */
export type StateErrorCode = 'state_directory_unsafe' | 'state_unreadable' | 'state_unwritable';

/** The state directory, or a file in it, cannot be used. */
export class StateError extends AgentError<StateErrorCode> {
  override readonly name = 'StateError';
}

/**
 * The agent's private directory (0700) of small files (0600). A file is replaced whole or not at all, and survives a
 * power cut once `write` has returned: it is written beside its name, synced, renamed, and the directory is synced.
 */
export class StateDirectory {
  readonly path: string;

  private constructor(directory: string) {
    this.path = directory;
  }

  /** Makes the directory if it is missing and takes it for the owner alone. Throws StateError. */
  static async open(directory: string): Promise<StateDirectory> {
    const absolute = path.resolve(directory);
    try {
      await mkdir(absolute, { recursive: true, mode: DIRECTORY_MODE });
      const found = await lstat(absolute);
      if (!found.isDirectory() || found.uid !== process.getuid?.()) {
        throw new StateError(
          'state_directory_unsafe',
          `${absolute} is not a directory of user ${process.getuid?.()}`,
          'choose another --state-dir or give the directory to the user who runs the agent',
        );
      }
      if ((found.mode & 0o777) !== DIRECTORY_MODE) await chmod(absolute, DIRECTORY_MODE);
    } catch (error) {
      if (error instanceof StateError) throw error;
      throw unwritable(absolute, error);
    }
    return new StateDirectory(absolute);
  }

  /** Path of a file in the directory. */
  file(name: string): string {
    return path.join(this.path, name);
  }

  /** Content of a file; `undefined` when there is none. Throws StateError. */
  async read(name: string): Promise<Buffer | undefined> {
    try {
      return await readFile(this.file(name));
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return undefined;
      throw new StateError(
        'state_unreadable',
        `${this.file(name)}: ${messageOf(error)}`,
        'run as the user who owns the state directory',
      );
    }
  }

  /** Replaces a file. Throws StateError; the old content is then still there. */
  async write(name: string, content: Uint8Array): Promise<void> {
    const temporary = this.file(`${name}.new`);
    try {
      await rm(temporary, { force: true });
      const handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, FILE_MODE);
      await writeAndSync(handle, content);
      await rename(temporary, this.file(name));
      await this.#sync();
    } catch (error) {
      throw unwritable(this.file(name), error);
    }
  }

  /** Removes a file; no error when there is none. Throws StateError. */
  async remove(name: string): Promise<void> {
    try {
      await rm(this.file(name), { force: true });
      await this.#sync();
    } catch (error) {
      throw unwritable(this.file(name), error);
    }
  }

  async #sync(): Promise<void> {
    const handle = await open(this.path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

async function writeAndSync(handle: FileHandle, content: Uint8Array): Promise<void> {
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function unwritable(subject: string, error: unknown): StateError {
  return new StateError(
    'state_unwritable',
    `${subject}: ${messageOf(error)}`,
    'make room or give write access to the user who runs the agent, or choose another --state-dir',
  );
}

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

import { chmod, lstat, mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { AgentError, messageOf, systemCodeOf } from './agent-error.js';
import { type DurableFiles, KERNEL_FILES, removeFile, replaceFile } from './durable-files.js';

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
  readonly #files: DurableFiles;

  private constructor(directory: string, files: DurableFiles) {
    this.path = directory;
    this.#files = files;
  }

  /** Makes the directory if it is missing and takes it for the owner alone. Throws StateError. */
  static async open(directory: string, files: DurableFiles = KERNEL_FILES): Promise<StateDirectory> {
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
    return new StateDirectory(absolute, files);
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
      throw unreadable(this.file(name), error);
    }
  }

  /** Names of all files. Throws StateError. */
  async names(): Promise<readonly string[]> {
    try {
      return await readdir(this.path);
    } catch (error) {
      throw unreadable(this.path, error);
    }
  }

  /** Replaces a file. Throws StateError; the old content is then still there. */
  async write(name: string, content: Uint8Array): Promise<void> {
    try {
      await replaceFile(this.#files, this.file(name), content);
    } catch (error) {
      throw unwritable(this.file(name), error);
    }
  }

  /** Removes a file; no error when there is none. Throws StateError. */
  async remove(name: string): Promise<void> {
    try {
      await removeFile(this.#files, this.file(name));
    } catch (error) {
      throw unwritable(this.file(name), error);
    }
  }
}

function unreadable(subject: string, error: unknown): StateError {
  return new StateError(
    'state_unreadable',
    `${subject}: ${messageOf(error)}`,
    'run as the user who owns the state directory',
  );
}

function unwritable(subject: string, error: unknown): StateError {
  return new StateError(
    'state_unwritable',
    `${subject}: ${messageOf(error)}`,
    'make room or give write access to the user who runs the agent, or choose another --state-dir',
  );
}

const DIRECTORY_MODE = 0o700;

import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

/** A file that is being written for the first time. */
export interface NewFile {
  write(content: Uint8Array): Promise<void>;
  /** Returns when what was written is on the medium (fsync(2)). */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The file system, as far as a file can be replaced on it so that a power cut leaves the old one or the new one. */
export interface DurableFiles {
  /** Makes a file for its owner alone (0600). Rejects when there is one. */
  create(file: string): Promise<NewFile>;
  rename(from: string, to: string): Promise<void>;
  /** No error when there is none. */
  remove(file: string): Promise<void>;
  /** Returns when the names in it are on the medium. */
  syncDirectory(directory: string): Promise<void>;
}

/**
 * Replaces a file: writes beside its name, syncs, renames, and syncs the directory. Whenever power fails, the name holds the
 * old content whole or the new content whole; once this has returned, the new.
 */
export async function replaceFile(files: DurableFiles, file: string, content: Uint8Array): Promise<void> {
  const temporary = `${file}.new`;
  await files.remove(temporary);
  const made = await files.create(temporary);
  try {
    await write(made, content);
  } catch (error) {
    // What was written takes the room of which there is too little. If it stays, the next write removes it: the first error is told.
    await files.remove(temporary).catch(() => undefined);
    throw error;
  }
  await files.rename(temporary, file);
  await files.syncDirectory(path.dirname(file));
}

async function write(made: NewFile, content: Uint8Array): Promise<void> {
  try {
    await made.write(content);
    await made.sync();
  } finally {
    await made.close();
  }
}

/** Removes a file for good. */
export async function removeFile(files: DurableFiles, file: string): Promise<void> {
  await files.remove(file);
  await files.syncDirectory(path.dirname(file));
}

/** The file system of this machine. */
export const KERNEL_FILES: DurableFiles = {
  create: async (file) => {
    const handle = await open(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, OWNER_ALONE);
    return newFile(handle);
  },
  rename: (from, to) => rename(from, to),
  remove: (file) => rm(file, { force: true }),
  syncDirectory: async (directory) => {
    const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

function newFile(handle: FileHandle): NewFile {
  return {
    write: (content) => handle.writeFile(content),
    sync: () => handle.sync(),
    close: () => handle.close(),
  };
}

const OWNER_ALONE = 0o600;

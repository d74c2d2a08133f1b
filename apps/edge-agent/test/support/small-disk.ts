import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** What is in a directory, on a file system of its own with little room. Unmount it before it is removed. */
export function putOnSmallDisk(directory: string): void {
  const files = readdirSync(directory).map((name) => [name, readFileSync(path.join(directory, name))] as const);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_OCTETS},mode=0700`, 'weft-small-disk', directory]);
  for (const [name, content] of files) writeFileSync(path.join(directory, name), content, { mode: 0o600 });
}

/** Until no octet has a place any more. */
export function fill(file: string): void {
  for (let size = DISK_OCTETS; size >= 1; size >>= 1) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(size), { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}

const DISK_OCTETS = 1 << 20;

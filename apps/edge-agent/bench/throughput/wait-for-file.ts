import { existsSync, mkdirSync, watch } from 'node:fs';
import { dirname } from 'node:path';

/** Resolves when the file is there; rejects when it does not come. */
export function waitForFile(path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  return new Promise((resolve, reject) => {
    const watcher = watch(dirname(path), () => {
      if (existsSync(path)) finish(resolve);
    });
    const patience = setTimeout(() => finish(() => reject(new Error(`${path} did not appear`))), PATIENCE_MILLISECONDS);
    function finish(settle: () => void): void {
      watcher.close();
      clearTimeout(patience);
      settle();
    }
    if (existsSync(path)) finish(resolve);
  });
}

const PATIENCE_MILLISECONDS = 20_000;

import { syncBuiltinESMExports } from 'node:module';
import worker_threads, { isMainThread, type WorkerOptions } from 'node:worker_threads';

/**
 * Imported ahead of the agent: SIGUSR2 ends the threads of its packet path wherever in their code they are, as nothing from
 * outside can, for a signal ends a process.
 */
if (isMainThread) {
  const running = new Set<worker_threads.Worker>();
  worker_threads.Worker = class extends worker_threads.Worker {
    constructor(module: string | URL, options?: WorkerOptions) {
      super(module, options);
      if (options?.name !== 'dataplane') return;
      running.add(this);
      this.once('exit', () => running.delete(this));
    }
  };
  syncBuiltinESMExports();
  process.on('SIGUSR2', () => {
    for (const thread of running) void thread.terminate();
  });
}

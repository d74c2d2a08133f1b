import { parentPort } from 'node:worker_threads';
import { answerJob } from './answer-job.js';
import { CompiledFabrics } from './compiled-fabrics.js';
import type { CompilerReply, CompilerRequest } from './compiler-job.js';

const fabrics = new CompiledFabrics();

/** The thread of the compiler: one job after the other. A job that throws is answered too; the thread lives on. */
parentPort?.on('message', ({ id, job }: CompilerRequest) => parentPort?.postMessage(reply(id, job)));

function reply(id: number, job: CompilerRequest['job']): CompilerReply {
  try {
    return { id, kind: 'answered', answer: answerJob(job, fabrics) };
  } catch (error) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    return { id, kind: 'failed', message, stack };
  }
}

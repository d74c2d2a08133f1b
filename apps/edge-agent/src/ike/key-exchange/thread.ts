import { parentPort } from 'node:worker_threads';
import { runKeyExchangeJob } from '@weft/ipsec-core/ike';
import { nodeKeyExchange, nodeRandom } from '@weft/ipsec-core/node-crypto';
import { type CrossingJob, receiveJob, secretMemory, sendResult } from './messages.js';

/** Computes key exchanges, one after the other; started by KeyExchangeThreads. */
const random = nodeRandom();
parentPort?.on('message', (job: CrossingJob) => {
  const result = sendResult(runKeyExchangeJob(nodeKeyExchange, random, receiveJob(job)));
  parentPort?.postMessage(result, secretMemory(result));
});

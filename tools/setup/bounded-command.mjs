import { spawn } from 'node:child_process';

/**
 * Runs a command with all that it starts, for so long and no longer: one that hangs must not keep whoever waits from
 * hearing of it. What it writes is passed on.
 * @param {readonly [string, ...string[]]} command
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, milliseconds: number }} options
 * @returns {Promise<{ code: number, overran: boolean, heard: NodeJS.Signals | undefined, lastLine: string }>}
 *   `overran`: it did not end in time, and was ended; `heard`: what asked this process to end meanwhile, and was passed on
 */
export function runBounded([program, ...args], { cwd, env, milliseconds }) {
  return new Promise((resolve, reject) => {
    // A group of its own, so that what it has started ends with it.
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    const end = (/** @type {NodeJS.Signals} */ signal) => endGroup(child.pid, signal);
    let overran = false;
    /** @type {NodeJS.Signals | undefined} */
    let heard;
    let tail = '';
    /** @type {NodeJS.Timeout[]} */
    const timers = [];
    const limit = setTimeout(() => {
      overran = true;
      end('SIGTERM');
      timers.push(setTimeout(() => end('SIGKILL'), GRACE_MILLISECONDS));
    }, milliseconds);
    timers.push(limit);
    const listeners = SIGNALS.map((signal) => {
      const passOn = () => {
        heard = signal;
        end(signal);
      };
      return /** @type {const} */ ([signal, passOn]);
    });
    for (const [signal, passOn] of listeners) process.on(signal, passOn);
    child.stdout.on('data', (chunk) => {
      process.stdout.write(chunk);
      tail = (tail + chunk).slice(-KEPT_OUTPUT);
    });
    child.on('error', reject);
    child.on('exit', () => {
      // Something that it left behind may hold its output open for ever.
      timers.push(setTimeout(() => child.stdout.destroy(), GRACE_MILLISECONDS));
    });
    child.on('close', (code) => {
      for (const timer of timers) clearTimeout(timer);
      for (const [signal, passOn] of listeners) process.off(signal, passOn);
      end('SIGKILL');
      resolve({ code: code ?? 1, overran, heard, lastLine: tail.trimEnd().split('\n').at(-1) ?? '' });
    });
  });
}

/**
 * @param {number | undefined} leader
 * @param {NodeJS.Signals} signal
 */
function endGroup(leader, signal) {
  if (leader === undefined) return;
  try {
    process.kill(-leader, signal);
  } catch (error) {
    // All of it has ended.
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
  }
}

/** They came to the group of this process, if at all. */
const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
/** From a polite request to end to the end, and from the end of a program to that of its output. */
const GRACE_MILLISECONDS = 10_000;
const KEPT_OUTPUT = 4096;

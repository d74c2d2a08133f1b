// Running other programs.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';

/**
 * Runs a command in the foreground and returns its exit code. Ctrl-C reaches the child by itself; a signal that only this
 * process gets is passed on, so that the child decides how to end.
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {Promise<number>}
 */
export function runToTheEnd(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit' });
    process.on('SIGINT', () => undefined);
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    process.on('SIGHUP', () => child.kill('SIGHUP'));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}

/**
 * Runs a command whose output matters only if it fails. One that waits for ever, for a network or a lock, is ended.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, milliseconds?: number | undefined }} [options]
 * @returns {Promise<{ code: number, output: string }>} 127: there is no such command
 */
export function runQuietly(command, args, { milliseconds = LONGEST_MILLISECONDS, ...options } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const limit = setTimeout(() => {
      keep(Buffer.from(`\n${command} did not end within ${milliseconds / 1000} s and was ended`));
      child.kill('SIGKILL');
      // What it has started may hold its output.
      for (const stream of [child.stdout, child.stderr]) stream.destroy();
    }, milliseconds);
    const keep = (/** @type {Buffer} */ chunk) => {
      output = (output + chunk).slice(-KEPT_OUTPUT);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => {
      clearTimeout(limit);
      resolve({ code: 127, output: `${command}: ${error.message}` });
    });
    child.on('close', (code) => {
      clearTimeout(limit);
      resolve({ code: code ?? 1, output });
    });
  });
}

/**
 * Whether a program is found, also in the sbin directories that a user's PATH may lack.
 * @param {string} name
 * @returns {boolean}
 */
export function programExists(name) {
  const directories = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return directories.some((directory) => directory !== '' && fs.existsSync(path.join(directory, name)));
}

/** What installs or builds takes a minute; a slow network or machine may take ten times as long. */
const LONGEST_MILLISECONDS = 600_000;
const KEPT_OUTPUT = 1 << 20;

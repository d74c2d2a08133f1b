import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, constants, openSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { SystemdMachine } from './systemd-machine.js';

/**
 * A program of a machine that waits where one command of the agent runs it, from `next` to `release`: what is there meanwhile
 * is what is there before the command has got on.
 */
export class HeldProgram {
  readonly #gate: string;
  #opened: Promise<FileHandle> | undefined;

  /** @param command which says so in WEFT_TEST_COMMAND */
  constructor(machine: SystemdMachine, program: string, command: string) {
    this.#gate = machine.file(GATE);
    const shim = machine.file(`/usr/local/sbin/${program}`);
    const waits = `if [ "\${WEFT_TEST_COMMAND-}" = ${command} ] && [ -p ${GATE} ]; then read -r _ <${GATE}; fi`;
    const goesOn = `PATH=/usr/sbin:/usr/bin:/sbin:/bin; exec ${program} "$@"`;
    writeFileSync(shim, `#!/bin/sh\n${waits}\n${goesOn}\n`);
    chmodSync(shim, 0o755);
  }

  /** Resolves when it waits. */
  async next(): Promise<void> {
    execFileSync('mkfifo', [this.#gate]);
    // It opens for writing when somebody has opened it for reading.
    this.#opened = open(this.#gate, 'w');
    await this.#opened;
  }

  /** Lets it go on, and those that come later pass. */
  async release(): Promise<void> {
    const opened = this.#opened;
    if (opened === undefined) return;
    this.#opened = undefined;
    // Ends a `next` for which nobody came.
    const both = openSync(this.#gate, constants.O_RDWR | constants.O_NONBLOCK);
    rmSync(this.#gate);
    await (await opened).close();
    closeSync(both);
  }
}

const GATE = '/var/held';

import { execFileSync } from 'node:child_process';
import { chmod, mkdir, open, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ChildController } from '../support/child-controller.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { TEST_ADMIN_PASSWORD } from '../support/test-controller.js';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
const started: ChildController[] = [];

beforeEach(async () => {
  directory = await temporaryDirectory('killed');
});
afterEach(async () => {
  for (const controller of started.splice(0)) {
    if (controller.process.exitCode === null && controller.process.signalCode === null) await controller.end('SIGTERM');
  }
  await directory.remove();
});

describe('a controller that is killed while it starts', () => {
  it.each(['initdb', 'postgres'])(
    'leaves nothing running that keeps the next one out: %s is being started and does not know its parent yet',
    async (program) => {
      const held = await Held.prepare(join(directory.path, 'held'), program);
      const first = start({ PATH: `${held.path}:${process.env['PATH'] ?? ''}` });
      const letGo = await held.reached();
      expect(await first.end('SIGKILL')).toBe('SIGKILL');
      await letGo();

      const second = await start().ready();
      expect(second.log.at(-1)).toMatchObject({ msg: 'controller ready', epoch: '1' });
      const left = (await readdir(join(directory.path, 'data', 'postgres'))).filter((name) => name.includes('.new'));
      expect(left).toEqual([]);
    },
  );
});

/** Holds a program of Postgres up where the controller has forked and that program, or what comes before it, has yet to begin. */
class Held {
  /** Goes in front of the PATH. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async prepare(directory: string, program: string): Promise<Held> {
    await mkdir(directory);
    for (const name of ['reached', 'gate']) execFileSync('mkfifo', [join(directory, name)]);
    const setpriv = execFileSync('sh', ['-c', 'command -v setpriv'], { encoding: 'utf8' }).trim();
    const script = `#!/bin/sh
case "$*" in */${program}' '*|*/${program}\\ *)
  echo > '${directory}/reached'
  read -r _ < '${directory}/gate' ;;
esac
exec '${setpriv}' "$@"
`;
    await writeFile(join(directory, 'setpriv'), script);
    await chmod(join(directory, 'setpriv'), 0o755);
    return new Held(directory);
  }

  /** Resolves when it is there, with what lets it go on. */
  async reached(): Promise<() => Promise<void>> {
    const reached = await open(join(this.path, 'reached'), 'r');
    await reached.read(Buffer.alloc(1));
    await reached.close();
    return async () => {
      const gate = await open(join(this.path, 'gate'), 'w');
      await gate.write('\n');
      await gate.close();
    };
  }
}

function start(environment: Readonly<Record<string, string>> = {}): ChildController {
  const controller = new ChildController({
    WEFT_HTTP_LISTEN: `unix:${join(directory.path, 'http.sock')}`,
    WEFT_SESSION_LISTEN: '127.0.0.1:0',
    WEFT_ENROLLMENT_LISTEN: '127.0.0.1:0',
    WEFT_PUBLIC_HOST: '127.0.0.1',
    WEFT_ADMIN_PASSWORD: TEST_ADMIN_PASSWORD,
    WEFT_DATA_DIR: join(directory.path, 'data'),
    ...environment,
  });
  started.push(controller);
  return controller;
}

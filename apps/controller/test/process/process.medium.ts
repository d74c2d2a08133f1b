import { execFile } from 'node:child_process';
import { access, readFile, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ChildController, MAIN, ROOT } from '../support/child-controller.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { TEST_ADMIN_PASSWORD } from '../support/test-controller.js';
import { DEBIAN_POSTGRES_15, isInstalled } from '../support/test-postgres.js';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let socket: string;
const started: ChildController[] = [];

beforeEach(async () => {
  directory = await temporaryDirectory('process');
  socket = join(directory.path, 'http.sock');
});
afterEach(async () => {
  for (const controller of started.splice(0)) {
    if (controller.process.exitCode === null && controller.process.signalCode === null) await controller.end('SIGTERM');
  }
  await directory.remove();
});

describe('the controller as a process, on its embedded Postgres', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('opens its doors, then ends in order on %s', async (signal) => {
    const controller = await start().ready();
    expect(await get('/readyz')).toMatchObject({ status: 200 });
    expect((await stat(socket)).mode & 0o777).toBe(0o660);
    expect(controller.log.at(-1)).toMatchObject({ msg: 'controller ready', http: `unix:${socket}`, epoch: '1' });
    expect(await controller.end(signal)).toBe(0);
    expect(controller.log.at(-1)).toMatchObject({ msg: 'stopped' });
    await expect(access(socket)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(access(postmasterFile())).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('comes up again after SIGKILL: stale socket, orphaned Postgres, same keys, next epoch', async () => {
    const first = await start().ready();
    expect(await first.end('SIGKILL')).toBe('SIGKILL');
    await access(socket);
    const second = await start().ready();
    expect(second.log.at(-1)).toMatchObject({ msg: 'controller ready', epoch: '2' });
    expect(second.log.map((line) => line['msg'])).not.toContain('root certificate made');
    expect(await get('/readyz')).toMatchObject({ status: 200 });
  });

  it('starts its Postgres again when that dies', async () => {
    const controller = await start().ready();
    const [pid] = (await readFile(postmasterFile(), 'utf8')).split('\n');
    process.kill(Number(pid), 'SIGKILL');
    // Answers are the events: 503 until it is back.
    const statuses = new Set<number>();
    do statuses.add((await get('/readyz')).status);
    while (!controller.log.some((line) => String(line['msg']).startsWith('Postgres ended by itself')));
    let last: number;
    do {
      last = (await get('/readyz')).status;
      statuses.add(last);
    } while (last !== 200);
    expect([...statuses].every((status) => status === 200 || status === 503)).toBe(true);
  });

  it('runs the Postgres of PG_BIN_DIR instead', async (context) => {
    context.skip(!(await isInstalled(DEBIAN_POSTGRES_15)), `needs a Postgres in ${DEBIAN_POSTGRES_15}`);
    const controller = await start({ PG_BIN_DIR: DEBIAN_POSTGRES_15 }).ready();
    expect(await get('/readyz')).toMatchObject({ status: 200 });
    expect(await readFile(join(directory.path, 'data', 'postgres', 'data-15', 'PG_VERSION'), 'utf8')).toBe('15\n');
    expect(await controller.end('SIGTERM')).toBe(0);
  });

  it('says that PG_BIN_DIR holds no Postgres, and does not start', async () => {
    const controller = start({ PG_BIN_DIR: directory.path });
    expect(await controller.exited).toBe(1);
    expect(controller.log.at(-1)).toMatchObject({
      level: 'fatal',
      msg: 'the controller does not start',
      err: { code: 'no_binaries', message: `PG_BIN_DIR: ${directory.path} has no executable postgres and initdb` },
    });
  });

  it('says which variable is wrong, and does not start', async () => {
    const controller = start({ WEFT_SESSION_LISTEN: 'nowhere' });
    expect(await controller.exited).toBe(1);
    expect(controller.log).toEqual([
      expect.objectContaining({ level: 'fatal', msg: expect.stringMatching(/^WEFT_SESSION_LISTEN: "nowhere"/) }),
    ]);
  });

  it('says which door is taken, and ends with its Postgres', async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) => {
      other.listen(0, '127.0.0.1', () => {
        const address = other.address();
        resolve(address !== null && typeof address === 'object' ? address.port : 0);
      });
    });
    const controller = start({ WEFT_ENROLLMENT_LISTEN: `127.0.0.1:${port}` });
    expect(await controller.exited).toBe(1);
    other.close();
    expect(controller.log.at(-1)).toMatchObject({
      level: 'fatal',
      err: {
        code: 'EADDRINUSE',
        message: `WEFT_ENROLLMENT_LISTEN: cannot listen on 127.0.0.1:${port}: another program listens there`,
      },
    });
    await expect(access(postmasterFile())).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('replaces its certificate authority by commands, in order, which say what to do', async () => {
    await (await start().ready()).end('SIGTERM');
    const refused = await command('--retire-certificate-authority');
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('there is one certificate authority') });
    const rotated = await command('--rotate-certificate-authority');
    expect(rotated).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^certificates are issued by [0-9a-f]{64} /),
    });
    const early = await command('--retire-certificate-authority');
    expect(early).toMatchObject({ code: 1, stderr: expect.stringMatching(/^no controller has been started with/) });
    await (await start().ready()).end('SIGTERM');
    const retired = await command('--retire-certificate-authority');
    expect(retired).toMatchObject({ code: 0, stdout: expect.stringMatching(/^only [0-9a-f]{64} is trusted/) });
    await (await start().ready()).end('SIGTERM');
    await expect(access(postmasterFile())).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await command('--rotate-certificate-authorities')).toMatchObject({ code: 2 });
  });

  it('does not overwrite a file that is no socket', async () => {
    await writeFile(socket, 'precious');
    const controller = start();
    expect(await controller.exited).toBe(1);
    expect(controller.log.at(-1)).toMatchObject({
      err: { code: 'not_a_socket', message: expect.stringContaining('WEFT_HTTP_LISTEN') },
    });
    expect((await stat(socket)).size).toBe(8);
  });
});

function start(environment: Readonly<Record<string, string>> = {}): ChildController {
  const controller = new ChildController({
    WEFT_HTTP_LISTEN: `unix:${socket}`,
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

/** Runs the program with an option, to its end. */
function command(option: string): Promise<{ code: number | string; stdout: string; stderr: string }> {
  const args = ['-C', 'source', '--import', '@oxc-node/core/register', MAIN, option];
  const env = { PATH: process.env['PATH'] ?? '', WEFT_DATA_DIR: join(directory.path, 'data') };
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: ROOT, env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : (error.code ?? String(error.signal)), stdout, stderr }),
    );
  });
}

function postmasterFile(): string {
  return join(directory.path, 'data', 'postgres', 'data-18', 'postmaster.pid');
}

function get(path: string): Promise<{ status: number }> {
  return new Promise((resolve, reject) => {
    request({ socketPath: socket, path }, (response) => {
      response.resume();
      response.once('end', () => resolve({ status: response.statusCode ?? 0 }));
    })
      .once('error', reject)
      .end();
  });
}

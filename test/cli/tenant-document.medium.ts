import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  TEST_ADMIN_PASSWORD,
  TestController,
  TestPostgres,
  temporaryDirectory,
} from '@weft/controller/test-controller';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeToken } from './support/make-token.js';
import { type Ended, weft } from './support/weft.js';

/** The command line, as processes, against a real controller on Postgres: what a pipeline does with a tenant. */
let postgres: TestPostgres;
let controller: TestController;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let token: string;

beforeAll(async () => {
  directory = await temporaryDirectory('cli');
  postgres = await TestPostgres.start();
  controller = await TestController.start({ databaseUrl: await postgres.createDatabase() });
  ({ token } = await makeToken(controller.url, TEST_ADMIN_PASSWORD));
});
afterAll(async () => {
  await controller.stop();
  await postgres.remove();
  await directory.remove();
});

const run = (...args: string[]) => weft(args, { WEFT_CLI_CONTROLLER: controller.url, WEFT_CLI_TOKEN: token });
const fileOf = (name: string) => path.join(directory.path, name);

describe('weft', () => {
  it('takes a tenant through a document: applied once, compared, published, explained', async () => {
    await writeFile(fileOf('tenant.yaml'), DOCUMENT);
    const apply = ['apply', '-f', fileOf('tenant.yaml')];

    expect(await run('validate', '-f', fileOf('tenant.yaml'))).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^valid; applied, /),
    });
    expect(jsonOf(await run('get', 'sites', '--json'))).toEqual({ items: [] });
    expect(jsonOf(await run(...apply, '--json')).counts).toMatchObject({ created: 7, removed: 0 });

    const exported = await run('export');
    expect(exported.code).toBe(0);
    await writeFile(fileOf('tenant.yaml'), exported.out);
    expect(await run(...apply)).toEqual({ code: 0, out: 'nothing changed\n', notes: '' });
    expect((await run('export')).out).toBe(exported.out);

    expect(await run('publish', '--comment', 'the first')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^revision 1 is in force\n/),
    });
    expect(await run('publish')).toMatchObject({ code: 0, out: expect.stringMatching(/^nothing to publish/) });
    expect(await run('diff', '--exit-code')).toMatchObject({ code: 0, out: expect.stringMatching(/no difference/) });

    await writeFile(fileOf('tenant.yaml'), exported.out.replaceAll('443', '8443'));
    const tried = await run(...apply, '--dry-run');
    expect(tried).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^WHAT +NOUN +NAME +BEFORE AND AFTER\nchanged +policy +web\n.*\nwould be: 1 changed/s),
    });
    expect(await run('diff', '-f', fileOf('tenant.yaml'), '--exit-code')).toMatchObject({ code: 1, out: tried.out });
    expect((await run('export')).out).toBe(exported.out);

    expect(await run(...apply)).toMatchObject({ code: 0, out: expect.stringMatching(/\n1 changed/) });
    const packet = ['explain', '10.1.0.7', '10.2.0.9', 'tcp', '443'];
    expect(await run(...packet, '--expect', 'protected')).toMatchObject({
      code: 1,
      out: expect.stringMatching(/: discarded, by the draft\n/),
    });
    expect(await run(...packet, '--revision', '1', '--expect', 'protected')).toMatchObject({ code: 0 });
    expect(await run('diff', '--exit-code')).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^from revision 1 to the draft:\n/),
    });
    expect(jsonOf(await run('publish', '--json')).revision).toMatchObject({ number: 2 });
    const explained = jsonOf(await run('explain', '10.1.0.7', '10.2.0.9', 'tcp', '8443', '--revision', '2', '--json'));
    expect(explained).toMatchObject({ verdict: 'protected', rule: { policyName: 'web' }, revision: { number: 2 } });
  });

  it('reads the document from its input, and one item by its name', async () => {
    const environment = { WEFT_CLI_CONTROLLER: controller.url, WEFT_CLI_TOKEN: token };
    const text = 'version: 1\nsites:\n  - name: oslo\n    description: ""\n    labels: {}\n';
    expect(await weft(['apply', '-f', '-'], environment, text)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/1 created/),
    });
    expect(jsonOf(await run('get', 'sites', 'oslo', '--json'))).toMatchObject({ name: 'oslo' });
    expect(await run('get', 'sites', 'bergen')).toMatchObject({
      code: 1,
      out: '',
      notes: expect.stringMatching(/sites has no "bergen"/),
    });
  });

  it('says where a document is wrong, which rule that is and what to do; nothing is changed', async () => {
    await writeFile(fileOf('wrong.yaml'), DOCUMENT.replace('10.2.0.0/16', '10.2.0.1/16'));
    const before = (await run('export')).out;
    const said = await run('validate', '-f', fileOf('wrong.yaml'));
    expect(said).toMatchObject({ code: 1, out: '', notes: expect.stringMatching(/^weft: .* \(422 \w+\)\n/) });
    expect(said.notes).toMatch(/^ {2}\/networks\/1\/prefix {2}\(\w+\)\n {4}.+\n {4}fix: .+$/m);
    const problem = jsonOf(await run('apply', '-f', fileOf('wrong.yaml'), '--json'), 1);
    expect(problem).toMatchObject({ status: 422, errors: [{ pointer: '/networks/1/prefix' }] });
    expect((await run('export')).out).toBe(before);
  });

  it('presents the token of a file that is its owner’s alone, and of no other', async () => {
    const file = fileOf('token');
    await writeFile(file, `${token}\n`, { mode: 0o600 });
    const environment = { WEFT_CLI_CONTROLLER: controller.url, WEFT_CLI_TOKEN_FILE: file };
    expect(await weft(['get', 'edges'], environment)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/berlin-1/),
    });
    await chmod(file, 0o640);
    const refused = await weft(['get', 'edges'], environment);
    expect(refused).toMatchObject({ code: 2, out: '', notes: expect.stringMatching(/its mode is 0640/) });
    expect(refused.notes).not.toContain(token);
  });

  it('ends with 1 when it is refused, 2 when it is used wrongly, 3 when nobody answers', async () => {
    const forged = { WEFT_CLI_CONTROLLER: controller.url, WEFT_CLI_TOKEN: `${token.slice(0, -8)}00000000` };
    expect(await weft(['export'], forged)).toMatchObject({ code: 1, out: '', notes: expect.stringMatching(/\(401 /) });
    expect(await run('get', 'things')).toMatchObject({ code: 2, out: '' });
    expect(await run('apply')).toMatchObject({ code: 2, notes: expect.stringMatching(/required option/) });
    const nobody = { WEFT_CLI_CONTROLLER: 'http://127.0.0.1:1', WEFT_CLI_TOKEN: token };
    expect(await weft(['export'], nobody)).toMatchObject({
      code: 3,
      out: '',
      notes: expect.stringMatching(/ECONNREFUSED/),
    });
    const failure = jsonOf(await weft(['export', '--json'], nobody), 3);
    expect(failure).toMatchObject({ type: 'urn:weft:cli:not_reached' });
  });

  it('says its version to whoever asks, without a controller', async () => {
    expect(await weft(['version'], {})).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^weft \d+\.\d+\.\d+\n$/),
    });
  });
});

// biome-ignore lint/suspicious/noExplicitAny: what it is depends on the command
function jsonOf({ code, out, notes }: Ended, expected = 0): any {
  expect({ code, notes }).toEqual({ code: expected, notes: expected === 0 ? '' : notes });
  return JSON.parse(out);
}

const DOCUMENT = `version: 1
sites:
  - { name: berlin, description: "", labels: {} }
  - { name: tokyo, description: "", labels: {} }
networks:
  - { site: berlin, name: lan, prefix: 10.1.0.0/16, labels: {} }
  - { site: tokyo, name: lan, prefix: 10.2.0.0/16, labels: {} }
edges:
  - { name: berlin-1, site: berlin, underlayAddress: 203.0.113.1, underlayPort: 4500 }
  - { name: tokyo-1, site: tokyo, underlayAddress: 203.0.113.2, underlayPort: 4500 }
policies:
  - name: web
    description: ""
    enabled: true
    confidential: true
    rules:
      - name: https
        action: PROTECT
        enabled: true
        sources: [{ kind: site, site: berlin }]
        destinations: [{ kind: site, site: tokyo }]
        services: [{ protocol: tcp, ports: [{ first: 443, last: 443 }] }]
`;

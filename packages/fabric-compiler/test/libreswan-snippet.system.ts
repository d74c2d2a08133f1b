import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeEach, expect, it } from 'vitest';
import type { FabricIntent, IntentGateway } from '../src/intent.js';
import { libreswanSnippet } from '../src/snippet/libreswan-snippet.js';
import { AUTHORITY } from './certificates.js';

/** What Libreswan itself says about the snippets: its reader of ipsec.conf, and its parser of proposals. Nothing of it runs as a daemon. */
const root = process.env['WEFT_LIBRESWAN'] ?? fileURLToPath(new URL('../../../.weft/libreswan', import.meta.url));
const programs = `${root}/usr/libexec/ipsec`;
const reason = existsSync(`${programs}/addconn`)
  ? undefined
  : 'needs Libreswan: `npm test` as root unpacks that of Debian, or WEFT_LIBRESWAN names a folder with its packages and their libraries';
const directory = mkdtempSync(path.join(tmpdir(), 'weft-libreswan-'));
const execute = promisify(execFile);

beforeEach((context) => context.skip(reason !== undefined, reason));
afterAll(() => rmSync(directory, { recursive: true }));

it.each<[what: string, change: Change]>([
  ['as it is', {}],
  ['a mailbox with all that one may have', { identity: "!#$%&'*+/=?^_`{|}~.-@partner.example" }],
  ['an IPv6 address as identity, and a port', { identity: '2001:db8::7', port: 4600 }],
  [
    'certificates at both ends',
    { authentication: { kind: 'pinned_certificates', certificates: [AUTHORITY] }, localIdentity: undefined },
  ],
  ['any name', { name: 'Œuvre\n"conn" %default = #' }],
])('is read as it was written, and its proposals are known: %s', async (_, change) => {
  const made = libreswanSnippet(intent(change), 'partner');
  if (!made.ok) throw new Error(JSON.stringify(made.problems));
  const { text, fileName } = made.snippet;
  const file = path.join(directory, fileName);
  writeFileSync(file, text);
  await run('addconn', ['--config', file, '--checkconfig']);
  const read = (await run('readwriteconf', ['--config', file])).split('\n').map((line) => line.trim());
  const settings = text.split('\n').filter((line) => line.startsWith('\t'));
  // It writes these in other words.
  const own = settings
    .map((line) => line.trim())
    .filter((line) => !/^(?:authby|auto|type|pfs|leftsendcert|(?:left|right)rsasigkey)=/.test(line));
  expect(read).toEqual(expect.arrayContaining([`conn ${fileName.replace('.conf', '')}`, ...own]));
  for (const name of ['ike', 'esp']) {
    const proposals = own.find((line) => line.startsWith(`${name}=`)) ?? '';
    // Libreswan 4 says "not recognized" and an exit code.
    await run('algparse', ['-v2', ...(name === 'esp' ? ['-pfs=yes'] : []), proposals]);
  }
});

/** Undefined: without it. */
type Change = { readonly [Key in keyof IntentGateway]?: IntentGateway[Key] | undefined };

async function run(program: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, LD_LIBRARY_PATH: librariesIn(root) };
  const { stdout } = await execute(`${programs}/${program}`, args, { env, timeout: PROGRAM_TIMEOUT_MILLISECONDS });
  return stdout;
}

/** The multiarch folder of what was unpacked. */
function librariesIn(folder: string): string {
  const triplet = readdirSync(`${folder}/usr/lib`).find((name) => name.includes('-linux-gnu')) ?? '';
  return `${folder}/usr/lib/${triplet}`;
}

function intent(change: Change): FabricIntent {
  const keyExchange = { method: 31, additionalMethods: [] } as const;
  const proposals = [19, 20, 21, 31].map((method) => ({
    encryption: 'aes-gcm-16',
    keyBits: 256,
    prf: 'hmac-sha2-384',
    keyExchange: { method, additionalMethods: [] },
  })) as IntentGateway['ikeProposals'];
  const peer = {
    id: 'partner',
    name: 'Partner',
    address: '203.0.113.99',
    port: 4500,
    identity: 'gw.partner.example',
    localIdentity: 'berlin.example',
    authentication: { kind: 'pre_shared_key', commitment: '5a'.repeat(32) },
    prefixes: ['10.8.0.0/24'],
    admits: [],
    gatewaySiteIds: ['berlin'],
    ikeProposals: proposals,
    espProposals: [{ encryption: 'aes-gcm-16', keyBits: 256, extendedSequenceNumbers: false, keyExchange }],
    offer: {
      esp: { encryption: 'aes-gcm-16', keyBits: 256, extendedSequenceNumbers: false, replayWindow: 1024 },
      ike: {
        proposals,
        childKeyExchange: keyExchange,
        ikeLifetimeSeconds: 14_400,
        childLifetimeSeconds: 3_600,
        livenessSeconds: 30,
      },
    },
    ...change,
  } as IntentGateway;
  return {
    tenantId: 'tenant',
    keyingMode: 'ikev2',
    sites: [{ id: 'berlin', name: 'berlin' }],
    networks: [{ id: 'b', siteId: 'berlin', name: 'b', prefix: '10.1.0.0/24' }],
    edges: [{ id: 'edge', siteId: 'berlin', name: 'berlin', underlayAddress: '203.0.113.1', underlayPort: 4500 }],
    policies: [],
    externalPeers: [peer],
  };
}

const PROGRAM_TIMEOUT_MILLISECONDS = 60_000;

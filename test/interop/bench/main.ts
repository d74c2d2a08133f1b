import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Charon, type Installation } from '../charon.js';
import { buildNetwork, PEER, US } from '../network.js';
import { BENCH_KEY, type BenchIdentity, makeIdentities, RESPONDER } from './identities.js';

/**
 * The bench inside the namespaces that ../main.ts made: the same load, from one core, against our responder and against
 * strongSwan's, each alone on another core. A rate is per second of the responder's processor time, user and system.
 */
const DIRECTORY = '/run/interop';
const LOAD_CORE = '1';
const RESPONDER_CORE = '0';
const CLASSICAL = 'aes128gcm16-prfsha256-x25519';
const HYBRID = `${CLASSICAL}-ke1_mlkem768`;
const later = process.env['WEFT_STRONGSWAN'];

interface Measured {
  readonly suite: string;
  readonly authentication: string;
  readonly responder: string;
  readonly handshakes: number;
  readonly perSecond: number;
  readonly perCoreSecond: number;
  readonly latency: { readonly p50: number; readonly p99: number };
  readonly note: string;
}

mkdirSync(DIRECTORY);
buildNetwork();
const rows: Measured[] = [];
const certified = await makeIdentities(Number(process.env['WEFT_BENCH_HANDSHAKES'] ?? 1000), 'certificate');
const shared = await makeIdentities(certified.length, 'psk');
for (const [suite, name] of [
  [CLASSICAL, 'x25519'],
  [HYBRID, 'x25519+mlkem768'],
] as const) {
  for (const [identities, authentication] of [
    [certified, 'ECDSA P-256'],
    [shared, 'pre-shared key'],
  ] as const) {
    const what = { suite: name, authentication };
    rows.push({ ...what, ...(await measureOurs(identities, suite)) });
    const installation: Installation | undefined =
      suite === CLASSICAL ? { kind: 'system' } : later === undefined ? undefined : { kind: 'folder', root: later };
    if (installation === undefined)
      console.log(`skipped: ${name} with strongSwan: WEFT_STRONGSWAN names no folder with a later one`);
    else rows.push({ ...what, ...(await measureCharon(identities, suite, installation)) });
  }
}
console.log(table(rows));
await measureMemory();
process.exit(0);

async function measureOurs(
  identities: readonly BenchIdentity[],
  suite: string,
): Promise<Omit<Measured, 'suite' | 'authentication'>> {
  const file = `${DIRECTORY}/identities.json`;
  writeFileSync(file, JSON.stringify(identities));
  const responder = startOurs(file, suite);
  await responder.line();
  const result = await load(file, suite, responder.pid, 'weft');
  const { turn999, longestTurn, turns } = await responder.report();
  await responder.end();
  const note = `${turns} turns of the loop, 99.9 % within ${turn999.toFixed(1)} ms, the longest ${longestTurn.toFixed(1)} ms`;
  return { ...result, note };
}

async function measureCharon(
  identities: readonly BenchIdentity[],
  suite: string,
  installation: Installation,
): Promise<Omit<Measured, 'suite' | 'authentication'>> {
  const file = `${DIRECTORY}/identities.json`;
  writeFileSync(file, JSON.stringify(identities));
  const charon = await Charon.start(installation, DIRECTORY, { quiet: true });
  execFileSync('taskset', ['-a', '-p', '-c', RESPONDER_CORE, String(charon.pid)], { stdio: 'ignore' });
  const [first] = identities;
  const certified = first !== undefined && first.anchor !== '';
  await charon.load(
    swanctlConf(suite, certified),
    certified
      ? {
          'x509/peer.pem': first.responder.certificate,
          'private/peer.pem': first.responder.privateKey,
          'x509ca/root.pem': first.anchor,
        }
      : {},
  );
  const result = await load(
    file,
    suite,
    charon.pid ?? 0,
    installation.kind === 'system' ? 'strongSwan' : 'strongSwan (later)',
  );
  await charon.stop();
  return { ...result, note: '' };
}

/** Bytes that 5,000 established IKE SAs, each with a Child SA, add to our responder. */
async function measureMemory(): Promise<void> {
  const count = 5000;
  const file = `${DIRECTORY}/identities.json`;
  writeFileSync(file, JSON.stringify(await makeIdentities(count, 'psk')));
  const responder = startOurs(file, CLASSICAL);
  await responder.line();
  const before = await responder.report();
  await load(file, CLASSICAL, responder.pid, 'weft');
  const after = await responder.report();
  await responder.end();
  const each = (octets: number) => `${(octets / after.associations / 1024).toFixed(1)} KiB`;
  console.log(
    `\n${after.associations} IKE SAs with a Child SA each: ${each(after.owned - before.owned)} of heap and buffers per IKE SA, ${each(after.rss - before.rss)} of resident memory; longest turn of the loop ${after.longestTurn.toFixed(1)} ms`,
  );
}

async function load(
  file: string,
  suite: string,
  pid: number,
  responder: string,
): Promise<Omit<Measured, 'suite' | 'authentication' | 'note'>> {
  const script = fileURLToPath(new URL('./load.ts', import.meta.url));
  const busyBefore = processorSeconds(pid);
  const child = inNamespace(US.namespace, LOAD_CORE, [
    ...node(),
    script,
    file,
    US.underlay,
    PEER.underlay,
    suite,
    '16',
  ]);
  const [line] = await linesOf(child, 1);
  const busy = processorSeconds(pid) - busyBefore;
  const result = JSON.parse(line ?? '{}') as {
    seconds: number;
    latencies: number[];
    failures: string[];
    failed: number;
  };
  if (result.failed > 0) console.log(`${responder}: ${result.failed} handshakes failed, such as ${result.failures[0]}`);
  const latencies = result.latencies.sort((left, right) => left - right);
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? 0;
  const handshakes = latencies.length;
  return {
    responder,
    handshakes,
    perSecond: handshakes / result.seconds,
    perCoreSecond: handshakes / busy,
    latency: { p50: at(0.5), p99: at(0.99) },
  };
}

function startOurs(file: string, suite: string) {
  const script = fileURLToPath(new URL('./responder.ts', import.meta.url));
  const child = inNamespace(PEER.namespace, RESPONDER_CORE, [
    ...node(),
    script,
    file,
    PEER.underlay,
    US.underlay,
    suite,
  ]);
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const line = async () => (await lines.next()).value as string;
  return {
    pid: child.pid ?? 0,
    line,
    report: async () => {
      child.stdin?.write('\n');
      return JSON.parse(await line()) as {
        associations: number;
        rss: number;
        owned: number;
        turns: number;
        longestTurn: number;
        turn999: number;
      };
    },
    end: () =>
      new Promise<void>((resolve) => {
        child.once('exit', () => resolve());
        child.kill('SIGKILL');
      }),
  };
}

function node(): readonly string[] {
  return [process.execPath, '--expose-gc', '--conditions=source', '--import', '@oxc-node/core/register'];
}

function inNamespace(namespace: string, core: string, command: readonly string[]): ChildProcess {
  return spawn('ip', ['netns', 'exec', namespace, 'taskset', '-c', core, ...command], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

async function linesOf(child: ChildProcess, count: number): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout! })) {
    lines.push(line);
    if (lines.length === count) break;
  }
  return lines;
}

/** User and system time of a process and its threads (proc(5), fields 14 and 15 of stat, in hundredths). */
function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function swanctlConf(suite: string, certified: boolean): string {
  const [local, remote] = certified
    ? ['auth = pubkey\n certs = peer.pem', 'auth = pubkey\n cacerts = root.pem']
    : ['auth = psk', 'auth = psk'];
  return `
connections {
  interop {
    version = 2
    local_addrs = ${PEER.underlay}
    remote_addrs = %any
    proposals = ${suite}
    unique = never
    send_cert = always
    rekey_time = 0
    local {
      ${local}
      id = ${RESPONDER}
    }
    remote {
      ${remote}
      id = *.example
    }
    children {
      net {
        local_ts = 10.2.0.0/24
        remote_ts = 10.1.0.0/24
        esp_proposals = aes128gcm16
        rekey_time = 0
      }
    }
  }
}
secrets {
  ike-1 {
    secret = "${BENCH_KEY}"
  }
}
`;
}

function table(all: readonly Measured[]): string {
  const lines = all.map((row) =>
    [
      row.suite.padEnd(16),
      row.authentication.padEnd(15),
      row.responder.padEnd(20),
      String(row.handshakes).padStart(10),
      row.perSecond.toFixed(0).padStart(9),
      row.perCoreSecond.toFixed(0).padStart(14),
      `${row.latency.p50.toFixed(1)} / ${row.latency.p99.toFixed(1)}`.padStart(17),
      `  ${row.note}`,
    ].join(' '),
  );
  const head =
    'key exchange     authentication  responder            handshakes  per s     per s of core  ms p50 / p99';
  return [head, ...lines].join('\n');
}

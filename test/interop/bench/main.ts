import { mkdirSync, writeFileSync } from 'node:fs';
import { NODE_OPTIONS } from '@weft/edge-agent/test-node-options';
import { Charon } from '../charon.js';
import { type Installation, installations, laterInstallation } from '../installations.js';
import { addEnd, buildNetwork, ip, PEER, US } from '../network.js';
import { BENCH_KEY, type BenchIdentity, makeIdentities, RESPONDER } from './identities.js';
import { benchOptions } from './options.js';
import { Answering, CORE, place, processorSeconds } from './processes.js';
import type { LoadResult, ResponderQuestion, ResponderReport } from './protocol.js';
import {
  type CaseResult,
  type MemoryResult,
  median,
  misses,
  percentile,
  type ResponderResult,
  resultTable,
} from './result.js';

/**
 * The bench inside the namespaces that ../main.ts made: one load, from one core, against our responder and strongSwan's on
 * another, which take turns. Both are up all the time and in the same round, so that what else the machine does meets both.
 * It ends with 1 when something does not hold.
 * usage: main.ts [--json] [--rounds N] [--handshakes N] [--only NAME,NAME] [--associations N] [--profile FOLDER]
 */
const OURS = { namespace: 'ours', underlay: '203.0.113.2', gateway: '203.0.113.254' } as const;
const DIRECTORY = '/run/interop';
const CLASSICAL = 'aes128gcm16-prfsha256-x25519';
const HYBRID = `${CLASSICAL}-ke1_mlkem768`;
const later = laterInstallation();
const [ofTheDistribution] = installations();
/** Handshakes at a time. */
const CONCURRENCY = 16;
/**
 * Handshakes before the first round. Node has compiled by then what it will; strongSwan needs none of that, and gets slower
 * with each IKE SA that it has, so that it is given a quarter.
 */
const WARM_UP = { ours: 4000, theirs: 1000 } as const;

interface Case {
  readonly name: string;
  readonly keyExchange: string;
  readonly suite: string;
  readonly kind: 'psk' | 'certificate';
  readonly installation: Installation | undefined;
}

const CASES: readonly Case[] = [
  { name: 'psk', keyExchange: 'x25519', suite: CLASSICAL, kind: 'psk', installation: ofTheDistribution },
  { name: 'ecdsa', keyExchange: 'x25519', suite: CLASSICAL, kind: 'certificate', installation: ofTheDistribution },
  {
    name: 'hybrid',
    keyExchange: 'x25519+mlkem768',
    suite: HYBRID,
    kind: 'certificate',
    installation: later,
  },
];

const options = benchOptions(process.argv.slice(2));
const say = (text: string) => (options.json ? process.stderr : process.stdout).write(`${text}\n`);
mkdirSync(DIRECTORY);
buildNetwork();
addEnd(OURS.namespace, OURS.underlay, OURS.gateway);
ip(US.namespace, `address add ${US.second}/24 dev wan`);
const cases: CaseResult[] = [];
for (const each of CASES) {
  if (options.only.length > 0 && !options.only.includes(each.name)) continue;
  cases.push(await measure(each));
}
const memory = options.associations === 0 ? {} : { memory: await measureMemory(options.associations) };
const result = { cases, ...memory };
say(resultTable(result));
const missed = misses(result);
for (const miss of missed) say(`does not hold: ${miss}`);
if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(missed.length > 0 ? 1 : 0);

/** Both responders, each with a load of its own, round by round. */
async function measure(each: Case): Promise<CaseResult> {
  const identities = await makeIdentities(WARM_UP.ours + options.rounds * options.handshakes, each.kind);
  const file = `${DIRECTORY}/identities.json`;
  writeFileSync(file, JSON.stringify(identities));
  const { installation } = each;
  if (installation === undefined)
    say(`${each.name}: strongSwan left out: none with ML-KEM could be unpacked, nor is one named by WEFT_STRONGSWAN`);
  const ours = await startOurs(file, each.suite);
  const theirs = installation === undefined ? undefined : await startTheirs(each, installation, identities);
  const sides = [
    {
      pid: ours.pid,
      load: await startLoad(file, US.underlay, OURS.underlay, each.suite),
      warmUp: WARM_UP.ours,
      rounds: [] as Round[],
    },
    ...(theirs === undefined
      ? []
      : [
          {
            pid: theirs.pid ?? 0,
            load: await startLoad(file, US.second, PEER.underlay, each.suite),
            warmUp: WARM_UP.theirs,
            rounds: [] as Round[],
          },
        ]),
  ];
  for (const { load, warmUp } of sides) await load.ask<LoadResult>(`0 ${warmUp}`);
  for (let round = 0; round < options.rounds; round++) {
    for (const side of sides) {
      const before = processorSeconds(side.pid);
      const from = WARM_UP.ours + round * options.handshakes;
      const load = await side.load.ask<LoadResult>(`${from} ${options.handshakes}`);
      side.rounds.push({ ...load, busy: processorSeconds(side.pid) - before });
      if (load.failed > 0) say(`${each.name}: ${load.failed} handshakes failed, such as ${load.failures[0]}`);
    }
  }
  const { longestDelay, longestInput } = await askOurs(ours, 'delay');
  for (const { load } of sides) await load.end();
  await ours.end();
  await theirs?.stop();
  const [us, them] = sides;
  const { name, keyExchange } = each;
  const authentication = each.kind === 'psk' ? 'pre-shared key' : 'ECDSA P-256';
  const own = { ...summary('weft', us?.rounds ?? []), longestDelay, longestInput };
  if (them === undefined) return { name, keyExchange, authentication, ours: own };
  const ratios = them.rounds.map((round, index) => rate(us?.rounds[index]) / rate(round));
  return {
    name,
    keyExchange,
    authentication,
    ours: own,
    theirs: summary('strongSwan', them.rounds),
    ratio: median(ratios),
  };
}

interface Round extends LoadResult {
  /** Processor seconds of the responder. */
  readonly busy: number;
}

function rate(round: Round | undefined): number {
  return round === undefined ? 0 : round.latencies.length / round.busy;
}

function summary(responder: ResponderResult['responder'], rounds: readonly Round[]): ResponderResult {
  const latencies = rounds.flatMap((round) => round.latencies);
  return {
    responder,
    handshakes: latencies.length,
    failed: rounds.reduce((sum, { failed }) => sum + failed, 0),
    perCoreSecond: median(rounds.map(rate)),
    perSecond: median(rounds.map((round) => round.latencies.length / round.seconds)),
    latency: { p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) },
  };
}

/** What established IKE SAs, each with a Child SA, add to our responder. */
async function measureMemory(count: number): Promise<MemoryResult> {
  const file = `${DIRECTORY}/identities.json`;
  writeFileSync(file, JSON.stringify(await makeIdentities(count, 'psk')));
  const responder = await startOurs(file, CLASSICAL);
  const before = await askOurs(responder, 'memory');
  const load = await startLoad(file, US.underlay, OURS.underlay, CLASSICAL);
  await load.ask<LoadResult>(`0 ${count}`);
  const after = await askOurs(responder, 'memory');
  await load.end();
  await responder.end();
  const { associations, longestDelay } = after;
  return {
    associations,
    ownedEach: (after.owned - before.owned) / associations,
    residentEach: (after.resident - before.resident) / associations,
    longestDelay,
  };
}

function askOurs(responder: Answering, question: ResponderQuestion): Promise<ResponderReport> {
  return responder.ask(question);
}

function startOurs(file: string, suite: string): Promise<Answering> {
  const profile = options.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profile}`];
  const flags = [...NODE_OPTIONS, ...profile];
  return Answering.start(
    OURS.namespace,
    CORE.responder,
    './responder.ts',
    [file, OURS.underlay, US.underlay, suite],
    flags,
  );
}

function startLoad(file: string, local: string, remote: string, suite: string): Promise<Answering> {
  return Answering.start(US.namespace, CORE.load, './load.ts', [file, local, remote, suite, String(CONCURRENCY)]);
}

async function startTheirs(
  { suite, kind }: Case,
  installation: Installation,
  [first]: readonly BenchIdentity[],
): Promise<Charon> {
  const charon = await Charon.start(installation, DIRECTORY, { quiet: true });
  const files: Readonly<Record<string, string>> =
    first === undefined || kind === 'psk'
      ? {}
      : {
          'x509/peer.pem': first.responder.certificate,
          'private/peer.pem': first.responder.privateKey,
          'x509ca/root.pem': first.anchor,
        };
  await charon.load(swanctlConf(suite, kind), files);
  place(charon.pid ?? 0, CORE.responder);
  return charon;
}

function swanctlConf(suite: string, kind: Case['kind']): string {
  const [local, remote] =
    kind === 'certificate'
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

import { mkdirSync } from 'node:fs';
import { Charon } from './charon.js';
import { Edge } from './edge/edge.js';
import { installations } from './installations.js';
import { buildNetwork, DEVICE, PEER, routeOverlay, US, US6 } from './network.js';
import { type Row, table, tallyOf, writeTally } from './report.js';
import { runScenario } from './run-scenario.js';
import type { Initiator, Scenario } from './scenario.js';
import { allScenarios } from './scenarios/index.js';
import type { Stage } from './stage.js';
import { TrafficEnd } from './traffic/end.js';

/** The run itself, inside the namespaces that main.ts made. */
const only = process.argv.find((_, index) => process.argv[index - 1] === '--only');
const verbose = process.argv.includes('--verbose');
const DIRECTORY = '/run/interop';
const LOG_LINES = 40;

mkdirSync(DIRECTORY);
buildNetwork();
const edge = new Edge(US.namespace, DEVICE, US.underlay, US6.underlay);
const ends = { us: new TrafficEnd(US.namespace, US.host), peer: new TrafficEnd(PEER.namespace, PEER.host) };
await Promise.all([edge.ready, ends.us.ready, ends.peer.ready]);
routeOverlay();

const rows: Row[] = [];
let open = (await allScenarios()).filter((scenario) =>
  scenario.initiators.some((initiator) => only === undefined || titleOf(scenario, initiator).includes(only)),
);
for (const installation of installations()) {
  const charon = await Charon.start(installation, DIRECTORY);
  const has = new Set(await charon.keyExchanges());
  const playable = open.filter(({ needs }) => needs === undefined || has.has(needs));
  open = open.filter((scenario) => !playable.includes(scenario));
  for (const scenario of playable) await play(scenario, charon);
  await charon.stop();
}
for (const scenario of open) {
  const why = `no strongSwan here has ${scenario.needs}: 'npm run test:interop' as root unpacks one that has on Debian, and WEFT_STRONGSWAN names the folder of another`;
  console.log(`skip      -     ${scenario.group}: ${scenario.name}: ${why}`);
  for (const initiator of scenario.initiators) {
    const title = titleOf(scenario, initiator);
    rows.push({ group: scenario.group, initiator, title, result: 'skipped', why });
  }
}
const tally = tallyOf(rows);
writeTally(tally);
console.log(`\n${table(rows)}\n`);
console.log(`${tally.passed} passed, ${tally.failed.length} failed, ${tally.skipped.length} skipped`);
process.exit(tally.failed.length === 0 ? 0 : 1);

async function play(scenario: Scenario, charon: Charon): Promise<void> {
  for (const initiator of scenario.initiators) {
    const title = titleOf(scenario, initiator);
    if (only !== undefined && !title.includes(only)) continue;
    const started = performance.now();
    const stage: Stage = { edge, charon, ends, initiator };
    const failure = await runScenario(scenario, stage).then(
      () => undefined,
      (error: Error) => error.message,
    );
    const time = `${Math.round(performance.now() - started)} ms`;
    console.log(`${failure === undefined ? 'ok    ' : 'FAILED'} ${time.padStart(8)}  ${title}`);
    if (failure !== undefined) console.log(`       ${failure}`);
    if (failure !== undefined || verbose) await showBothSides(stage);
    const { group } = scenario;
    if (failure === undefined) rows.push({ group, initiator, title, result: 'passed' });
    else rows.push({ group, initiator, title, result: 'failed', why: failure });
  }
}

/** What each end says about a run. */
async function showBothSides({ charon }: Stage): Promise<void> {
  console.log(charon.log().trimEnd().split('\n').slice(-LOG_LINES).join('\n'));
  const { drops, packets, ikes } = await edge.status();
  console.log(JSON.stringify({ drops, packets: packets.drops, ikes, news: edge.news }));
}

function titleOf({ group, name }: Scenario, initiator: Initiator): string {
  return `${group}: ${name}, ${initiator === 'us' ? 'we initiate' : 'the peer initiates'}`;
}

import { mkdirSync } from 'node:fs';
import { Charon } from './charon.js';
import { Edge } from './edge/edge.js';
import { buildNetwork, DEVICE, PEER, routeOverlay, US } from './network.js';
import { type Row, table } from './report.js';
import { runScenario } from './run-scenario.js';
import { allScenarios } from './scenarios/index.js';
import { TrafficEnd } from './traffic/end.js';

/** The run itself, inside the namespaces that main.ts made. */
const only = process.argv.find((_, index) => process.argv[index - 1] === '--only');
const verbose = process.argv.includes('--verbose');
const DIRECTORY = '/run/interop';

mkdirSync(DIRECTORY);
buildNetwork();
const edge = new Edge(US.namespace, DEVICE, US.underlay);
const debian = {
  charon: '/usr/lib/ipsec/charon',
  swanctl: '/usr/sbin/swanctl',
  libraries: undefined,
  plugins: undefined,
};
const ends = { us: new TrafficEnd(US.namespace, US.host), peer: new TrafficEnd(PEER.namespace, PEER.host) };
const [charon] = await Promise.all([Charon.start(debian, DIRECTORY), edge.ready, ends.us.ready, ends.peer.ready]);
routeOverlay();

const rows: Row[] = [];
for (const scenario of await allScenarios()) {
  for (const initiator of scenario.initiators) {
    const name = `${scenario.group}: ${scenario.name}, ${initiator === 'us' ? 'we initiate' : 'the peer initiates'}`;
    if (only !== undefined && !name.includes(only)) continue;
    const started = performance.now();
    const failure = await runScenario(scenario, { edge, charon, ends, initiator }).then(
      () => undefined,
      (error: Error) => error.message,
    );
    const time = `${Math.round(performance.now() - started)} ms`;
    console.log(`${failure === undefined ? 'ok    ' : 'FAILED'} ${time.padStart(8)}  ${name}`);
    if (failure !== undefined) console.log(`       ${failure}`);
    if (failure !== undefined || verbose) {
      console.log(charon.log().trimEnd().split('\n').slice(-40).join('\n'));
      const { drops, packets, ikes } = await edge.status();
      console.log(JSON.stringify({ drops, packets: packets.drops, ikes, news: edge.news }));
    }
    rows.push({ group: scenario.group, initiator, failure });
  }
}
const failed = rows.filter(({ failure }) => failure !== undefined).length;
console.log(`\n${table(rows)}\n`);
console.log(`${rows.length - failed} passed, ${failed} failed, 0 skipped`);
process.exit(failed === 0 ? 0 : 1);

import type { PathChangeCause } from '@weft/ipsec-core/ike';
import { EXPIRED_FIX } from '../control/session-problem.js';
import type { AgentStatus } from './agent-status.js';
import { closedLine } from './closed-line.js';
import { keysMadeWith } from './key-exchange-names.js';

/** The status as a table for people. Pure. */
export function renderStatus(status: AgentStatus): string {
  const { bundle } = status;
  const head = [
    ['edge', `${status.edge.name} (${status.edge.id})`],
    [
      'controller',
      status.connected ? 'connected' : `not connected${bundle === null ? '' : '; the last bundle keeps running'}`,
    ],
    [
      'bundle',
      bundle === null
        ? `none; ${closedLine(status.closedNetworks ?? 0)}`
        : `revision ${bundle.revision}, generation ${bundle.generation}`,
    ],
    ['underlay', bundle === null ? '-' : [bundle.underlay, ...bundle.otherUnderlays].join(', then ')],
    ['device', bundle === null ? status.device : `${status.device}, MTU ${bundle.mtu}`],
    ...(bundle?.mappings ?? []).map(({ local, overlay }) => [
      'mapped 1:1',
      `${local} here is ${overlay} on the fabric`,
    ]),
    ['packet path', workerStatus(status.workers)],
    ['certificate', certificateLine(status)],
    ['trust', trustLine(status.trust)],
    ...(status.pendingIdentity === null ? [] : [['new identity', pendingLine(status.pendingIdentity)]]),
  ];
  const drops = status.drops.map(({ reason, packets }) => [reason, packets]);
  const heard = [
    ...status.underlayErrors,
    ...status.pathMtuMessages.map(({ outcome, messages }) => ({ reason: outcome, messages })),
  ];
  return [
    alignColumns(head),
    renderTunnels(status),
    ...uplinkTable(status),
    drops.length === 0 ? 'no packet was dropped' : alignColumns([['DROPPED BECAUSE', 'PACKETS'], ...drops]),
    ...(heard.length === 0
      ? []
      : [alignColumns([['UNDERLAY SAYS', 'MESSAGES'], ...heard.map(({ reason, messages }) => [reason, messages])])]),
  ].join('\n\n');
}

/** Which uplink each tunnel goes by, where there are several, and why it left the one before. */
function uplinkTable({ bundle, tunnels }: AgentStatus): string[] {
  if (bundle === null || bundle.otherUnderlays.length === 0) return [];
  const rows = tunnels.flatMap(({ peer, ike }) =>
    ike === null || ike.local === null ? [] : [[peer, ike.local, causeText(ike.pathCause)]],
  );
  return rows.length === 0 ? [] : [alignColumns([['UPLINK TO', 'FROM', 'BECAUSE'], ...rows])];
}

function causeText(cause: string | null): string {
  return cause === null ? 'it began there' : (CAUSES[cause as PathChangeCause] ?? cause);
}

const CAUSES: Readonly<Record<PathChangeCause, string>> = {
  path_silent: 'the peer did not answer on the path before',
  preferred_answers: 'it is preferred, and the peer answers there again',
  own_addresses: 'the addresses of this edge changed',
  peer_moved: 'the peer went there',
  path_refused: 'the peer did not take the path before',
};

/** Its tunnels alone, with the arithmetic of their paths. Pure. */
export function renderTunnels(status: Pick<AgentStatus, 'tunnels'>): string {
  const paths = status.tunnels.flatMap(({ peer, path }) => (path === null ? [] : [pathRow(peer, path)]));
  const refused = status.tunnels.flatMap(({ peer, keyShares }) =>
    keyShares === null || keyShares.refusal === null ? [] : [[peer, keyShares.refusal.reason]],
  );
  return [
    tunnelTable(status),
    ...(paths.length === 0 ? [] : [alignColumns([PATH_COLUMNS, ...paths])]),
    ...(refused.length === 0 ? [] : [alignColumns([['PEER', 'ITS KEY SHARE WAS NOT TAKEN'], ...refused])]),
  ].join('\n\n');
}

function unkeyedState({ ike, keyShares }: AgentStatus['tunnels'][number]): string {
  if (ike !== null && ike.waitsFor !== null) return `waits for ${ike.waitsFor === 'host' ? 'the host' : 'traffic'}`;
  return ike?.failure ?? keyShares?.alarm ?? keyShares?.refusal?.reason ?? 'no associations';
}

function tunnelTable(status: Pick<AgentStatus, 'tunnels'>): string {
  const tunnels = status.tunnels.map((tunnel) => [
    tunnel.peer,
    remoteText(tunnel),
    tunnel.outboundSpi === null || tunnel.inboundSpis.length === 0
      ? unkeyedState(tunnel)
      : keyedState(tunnel.redundancy),
    keysBy(tunnel),
    protectionText(tunnel),
    tunnel.inboundPackets,
    tunnel.outboundPackets,
    tunnel.lastReceivedAt ?? 'never',
  ]);
  return alignColumns([
    ['PEER', 'REMOTE', 'STATE', 'KEYS BY', 'PACKETS ARE', 'PACKETS IN', 'PACKETS OUT', 'LAST RECEIVED'],
    ...tunnels,
  ]);
}

function protectionText({ protocol, mode, suite }: AgentStatus['tunnels'][number]): string {
  const parts = [PROTECTION[protocol], ...(suite === null ? [] : [suite])];
  return [...parts, ...(mode === 'transport' ? ['in transport mode'] : [])].join(', ');
}

/** Where the peer is, as far as that is known: where the bundle says, until it is met somewhere. */
function remoteText({ remote, ike }: AgentStatus['tunnels'][number]): string {
  if (ike === null || ike.remote === null) return remote;
  return ike.localBehindNat ? `${ike.remote} (from behind a NAT)` : ike.remote;
}

function certificateLine({ edge, certificate }: AgentStatus): string {
  const { condition, problem } = certificate;
  const until = `valid until ${edge.certificateNotAfter}, ${timeLeft(certificate.secondsLeft)}`;
  switch (condition) {
    case 'valid':
      return `${until}; renewed from ${certificate.renewalAt} on`;
    case 'renewal_due':
      return problem === null
        ? `${until}; is being renewed`
        : `${until}; NOT RENEWED: ${problem.reason} (${problem.fix})`;
    case 'expired':
      return `EXPIRED ${edge.certificateNotAfter}: ${EXPIRED_FIX}`;
    case 'not_yet_valid':
      return 'not valid yet: set the clock of this machine';
  }
}

function trustLine({ version, anchors, underIssuing }: AgentStatus['trust']): string {
  const authorities = `${anchors} certificate ${anchors === 1 ? 'authority' : 'authorities'}`;
  const since = version === 0 ? 'as enrolled' : `version ${version}`;
  return `${authorities}, ${since}${underIssuing ? '' : '; the certificate is under the one before, and is being renewed'}`;
}

function pendingLine({ edge, problem }: NonNullable<AgentStatus['pendingIdentity']>): string {
  const name = edge === null ? 'cannot be used' : `${edge.name} (${edge.id}) waits`;
  if (problem !== null) return `${name}: ${problem.reason} (${problem.fix})`;
  return `${name}: it is tried before the next session; restart the agent to have it tried now`;
}

function timeLeft(seconds: number): string {
  if (seconds >= 2 * DAY_SECONDS) return `${Math.floor(seconds / DAY_SECONDS)} days left`;
  if (seconds >= 2 * HOUR_SECONDS) return `${Math.floor(seconds / HOUR_SECONDS)} hours left`;
  return `${Math.floor(seconds / 60)} minutes left`;
}

function pathRow(peer: string, path: NonNullable<AgentStatus['tunnels'][number]['path']>): string[] {
  const { maximumSegmentSize4: mss4, maximumSegmentSize6: mss6 } = path;
  return [
    peer,
    String(path.pathMtu),
    path.search === null ? path.source : `${path.source}, ${path.search.replace('_', ' ')}`,
    String(path.outerIpHeader),
    String(path.udpHeader),
    String(path.espOverhead),
    String(path.unused),
    String(path.largestPacket),
    mss4 === null || mss6 === null ? 'as it is' : `${mss4} / ${mss6}`,
    roundTripText(path),
  ];
}

/** The arithmetic goes from left to right. */
const PATH_COLUMNS = [
  'PATH TO',
  'MTU',
  'FOUND BY',
  '- IP',
  '- UDP',
  '- ESP',
  '- UNUSED',
  '= LARGEST PACKET',
  'TCP MSS V4 / V6',
  'ROUND TRIP',
] as const;

function roundTripText(path: NonNullable<AgentStatus['tunnels'][number]['path']>): string {
  const { roundTripMilliseconds, roundTripProbes, roundTripAnswers } = path;
  if (roundTripMilliseconds === null) return '-';
  const lost = BigInt(roundTripProbes) - BigInt(roundTripAnswers);
  const time = `${roundTripMilliseconds.toFixed(roundTripMilliseconds < 10 ? 2 : 0)} ms`;
  return lost === 0n ? time : `${time}, ${lost} of ${roundTripProbes} probes lost`;
}

function keyedState(redundancy: AgentStatus['tunnels'][number]['redundancy']): string {
  if (redundancy === null) return 'keyed';
  const { alive, chosen } = redundancy;
  return `keyed, ${alive ? '' : 'does not answer, '}${chosen ? 'in use' : 'standing by'}`;
}

function workerStatus(workers: AgentStatus['workers']): string {
  const replacements = workers.reduce((sum, worker) => sum + worker.replacements, 0);
  const threads = `${workers.length} ${workers.length === 1 ? 'thread' : 'threads'}`;
  const load = workers.map((worker) => `${Math.round(100 * worker.load)} %`).join(', ');
  const busy = workers.length === 0 ? threads : `${threads}, busy ${load} of the time`;
  return replacements === 0 ? busy : `${busy}, replaced ${replacements} times: see the log`;
}

function keysBy({ ike, keyShares }: AgentStatus['tunnels'][number]): string {
  if (keyShares !== null) return keyShares.root === null ? '-' : 'both edges by key shares, post-quantum';
  if (ike === null) return 'the controller';
  if (!ike.established) return '-';
  return `${keysMadeWith(ike)}, ${ike.postQuantum ? 'post-quantum' : 'classical'}`;
}

function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const PROTECTION = { esp: 'encrypted', ah: 'authenticated, NOT ENCRYPTED (AH)' } as const;
const DAY_SECONDS = 86_400;
const HOUR_SECONDS = 3_600;

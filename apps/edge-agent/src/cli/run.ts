import { randomFillSync, randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { openTunQueues, openUdpSocketGroup, type Tun } from '@weft/linux-io';
import { EdgeBlind } from '../blind/edge-blind.js';
import { TunnelKeyStore } from '../blind/tunnel-key-store.js';
import { BundleInstaller } from '../control/bundle-installer.js';
import { BundleStore } from '../control/bundle-store.js';
import { CertificateRenewal } from '../control/certificate-renewal.js';
import { ClosedUntilFirstBundle } from '../control/closed-until-first-bundle.js';
import { DriftWatch } from '../control/drift-watch.js';
import { Edge, KEYING_MODES, trustHeldBy } from '../control/edge.js';
import { settleEnrollment } from '../control/enrollment-takeover.js';
import { awaitWelcome } from '../control/first-session.js';
import { PendingEnrollment } from '../control/pending-enrollment.js';
import { requestRenewal } from '../control/renewal-call.js';
import { SessionLoop } from '../control/session-loop.js';
import { openSessionStream } from '../control/session-stream.js';
import { StatusReporter } from '../control/status-reporter.js';
import { System } from '../control/system.js';
import { UnderlayFollower } from '../control/underlay-follower.js';
import { DataPlaneThread } from '../dataplane/data-plane-thread.js';
import { EventObserver } from '../events/event-observer.js';
import { EventReporter } from '../events/event-reporter.js';
import { CurrentIdentity } from '../identity/current-identity.js';
import type { Identity } from '../identity/identity.js';
import { crashDetectionSecret } from '../ike/crash-detection-secret.js';
import { EdgeIke } from '../ike/edge-ike.js';
import { rehearseIke } from '../ike/ike-rehearsal.js';
import { serveMetrics } from '../metrics/metrics-server.js';
import { readDeviceDrops } from '../network/device-drops.js';
import { readFence } from '../network/fence.js';
import { serveRelay } from '../network/marked-relay.js';
import { createOverlayNetwork } from '../network/overlay-network.js';
import { rememberAddresses } from '../network/remembered-addresses.js';
import { messageOf } from '../platform/agent-error.js';
import { type AgentLog, createLog, type Log } from '../platform/log.js';
import { RecentLines } from '../platform/recent-lines.js';
import { serviceManager } from '../platform/service-manager.js';
import { StateDirectory } from '../platform/state-directory.js';
import { StateKey } from '../platform/state-key.js';
import { AGENT_VERSION } from '../platform/version.js';
import type { Settings } from '../settings/settings.js';
import { closedLine } from '../status/closed-line.js';
import { localAnswers } from '../status/local-answers.js';
import { serveStatus } from '../status/status-socket.js';
import { closeBeforeFirstBundle, protectedNetworksOf } from './close.js';
import { Ending } from './ending.js';
import { keepNetworkCapabilitiesOnly } from './least-privilege.js';

/**
 * Runs the agent until a signal or a failure, and anew when another identity has taken over. The fence and the unreachable
 * routes stay in all cases: traffic for remote sites fails closed until the next start.
 * @returns exit code. Throws AgentError when it cannot start.
 */
export async function runEdge(options: Settings): Promise<number> {
  const keptPrivilege = keepNetworkCapabilitiesOnly();
  const state = await StateDirectory.open(options.stateDir);
  await settleEnrollment(state);
  // Before it is known whether there is an identity: what is named is closed from the first moment. What it cannot say here it says when it starts.
  await closeBeforeFirstBundle(state, options, createOverlayNetwork(options.device, options.mark));
  const recent = new RecentLines(KEPT_LOG_LINES);
  const start = { state, recent, keptPrivilege, options };
  const first = await beginAs(await CurrentIdentity.open(state), start);
  const manager = serviceManager({ environment: process.env, pid: process.pid, log: first.log, after });
  manager.ready(first.agent.summary());
  for (let run = first; ; run = await beginAs(await CurrentIdentity.open(state), start)) {
    await run.ending.reached;
    if (run.ending.code !== undefined) manager.stopping();
    await run.agent.stop();
    run.ending.release();
    // Asked after the stop: a signal may have come during it.
    const { code } = run.ending;
    if (code === undefined) continue;
    run.log.info({ code }, 'edge stopped');
    return code;
  }
}

interface RunParts {
  readonly state: StateDirectory;
  readonly recent: RecentLines;
  readonly keptPrivilege: string | undefined;
  readonly options: Settings;
}

interface Run {
  readonly agent: { stop(): Promise<void>; summary(): string };
  readonly ending: Ending;
  readonly log: AgentLog;
}

/** Starts the agent with an identity. */
async function beginAs(identity: CurrentIdentity, { state, recent, keptPrivilege, options }: RunParts): Promise<Run> {
  const log = createLog(options.logLevel, { edge: identity.value.edgeName }, recent);
  log.info({ version: AGENT_VERSION, edgeId: identity.value.edgeId, stateDirectory: state.path }, 'edge starting');
  if (keptPrivilege !== undefined) {
    const fix = 'start it with CAP_NET_ADMIN and CAP_NET_RAW only, or with CAP_SETPCAP too';
    log.warn({ reason: keptPrivilege, fix }, 'capabilities that this agent does not need cannot be given up');
  }
  const ending = new Ending(log);
  const portable = options.dataPath === 'portable';
  const queues = openTunQueues(options.device, { offloads: !portable }, options.workers);
  const agent = await startAgent({ state, identity, log, recent, queues, portable, ending, options });
  return { agent, ending, log };
}

interface AgentParts {
  readonly state: StateDirectory;
  readonly identity: CurrentIdentity;
  readonly log: AgentLog;
  readonly recent: RecentLines;
  /** Of the overlay device: one for each worker. */
  readonly queues: readonly Tun[];
  readonly portable: boolean;
  readonly ending: Ending;
  readonly options: Settings;
}

/** Puts the parts together; the only place that knows all of them. */
async function startAgent({
  state,
  identity,
  log,
  recent,
  queues,
  portable,
  ending,
  options,
}: AgentParts): Promise<{ stop(): Promise<void>; summary(): string }> {
  const { mark, pathMtuDiscovery, pathProbing, stateKey } = options;
  const key = await StateKey.open(stateKey);
  const store = new BundleStore(state, key);
  const secret = await crashDetectionSecret(state, (out) => void randomFillSync(out));
  const dataPlane = new DataPlaneThread(
    queues,
    {
      lifetime: (events) => edge.lifetimeEnded(events),
      used: (inboundSpis) => {
        ike.inboundUsed(inboundSpis);
        blind.inboundUsed(inboundSpis);
      },
      replacing: (replacement) =>
        log.error({ ...replacement }, 'the packet path ended: traffic for remote sites goes nowhere until it is back'),
      replaced: () => log.warn('the packet path is back, with all policies and associations'),
      died: (error) => ending.fail(error, 'the packet path died: traffic for remote sites is now unreachable'),
      ike: (octets, source, local) => ike.receive(octets, source, local),
      unknownSpi: (spi, source) => {
        ike.unknownSpi(spi, source);
        blind.unknownSpi(spi, source);
      },
      acquire: (tunnelIds) => ike.wanted(tunnelIds),
      path: (report) => log.info({ ...report }, 'packet path ready'),
      moved: (move) =>
        log.warn(
          { ...move },
          move.back
            ? 'packets for a site go to its preferred edge again'
            : 'packets for a site go to another edge of it: the one before does not answer',
        ),
    },
    { portable, mark, pathProbing },
  );
  // While the threads of the packet path start.
  await rehearseIke(IKE_REHEARSAL_MILLISECONDS, () => performance.now());
  const ike: EdgeIke = new EdgeIke({
    identity: identity.value,
    plane: dataPlane,
    log,
    crashDetectionSecret: secret,
    random: Math.random,
  });
  const blind: EdgeBlind = new EdgeBlind({
    identity: identity.value,
    plane: dataPlane,
    store: new TunnelKeyStore(state, key),
    log,
    send: (message) => session.send(message),
  });
  identity.onChange((changed) => {
    ike.useIdentity(changed);
    blind.useIdentity(changed);
  });
  const underlay = new UnderlayFollower(options.device, log);
  const network = createOverlayNetwork(options.device, mark);
  const socketOptions = { bufferOctets: SOCKET_BUFFER_OCTETS, reportErrors: true, mark, pathMtuDiscovery };
  const system = new System({
    network,
    dataPlane,
    openSockets: (endpoint, options) => openUdpSocketGroup(endpoint, { ...socketOptions, ...options }, queues.length),
    elsewhere: (configured, localNetworks) => underlay.elsewhere(configured, localNetworks),
  });
  const installer = new BundleInstaller(system, { ike, blind }, log);
  const closed = new ClosedUntilFirstBundle({
    store: protectedNetworksOf(state, options),
    configured: options.protectedNetworks,
    installer,
    log,
  });
  const drift = new DriftWatch(installer, log, after);
  const events: EventReporter = new EventReporter({
    send: (message) => session.send(message),
    now: () => new Date(),
    after,
  });
  const edge: Edge = new Edge({
    audience: identity.audience,
    storedAudience: identity.storedAudience,
    followSigningKeys: ({ successions }) => identity.followSigningKeys(successions),
    followTrust: (trustBundle) => identity.followTrust(trustBundle),
    trustHeld: () => trustHeldBy(identity.value),
    agentVersion: AGENT_VERSION,
    bootId: randomUUID(),
    store,
    highestEpoch: await store.highestEpoch(),
    installer,
    dataPlane,
    ike,
    blind,
    log,
    events,
    confirmMilliseconds: 1000 * options.confirmSeconds,
    removalLimitPercent: options.removalLimit,
    after,
    send: (message) => session.send(message),
    onWelcome: async (milliseconds, protectedNetworks) => {
      if (protectedNetworks !== undefined) await closed.told(protectedNetworks);
      renewal.connected();
      reporter.every(milliseconds);
      edge.repeatExpiring(await dataPlane.snapshot());
    },
    onFatal: (error) => ending.fail(error, 'the agent cannot go on'),
  });
  identity.onChange(() => edge.tellTrust());
  const pending = new PendingEnrollment({ state, prove: (other) => proveIdentity(other, state, mark), log });
  const session: SessionLoop = new SessionLoop({
    mayDial: async () => {
      const tookOver = await pending.attempt();
      if (tookOver) ending.beginAnew();
      return !tookOver;
    },
    open: () => openSessionStream(identity.value, relay.target),
    handlers: edge,
    expired: () => identity.value.notAfter.getTime() <= Date.now(),
    log,
    random: Math.random,
    pause,
  });
  const renewal = new CertificateRenewal({
    identity,
    request: (request) => requestRenewal(identity.value, relay.target, request),
    log,
    wallClock: () => Date.now(),
    clock: () => performance.now(),
    after,
    random: Math.random,
  });
  const observer = new EventObserver(
    async () => ({
      snapshot: await dataPlane.snapshot(),
      negotiations: ike.states(),
      renewal: renewal.state,
      deviceDrops: await readDeviceDrops(options.device),
    }),
    events,
    log,
  );
  const reporter = new StatusReporter(dataPlane, ike, (message) => session.send(message), log);
  const answers = localAnswers({
    identity,
    renewal,
    pending,
    device: options.device,
    settings: options,
    session,
    edge,
    closed,
    dataPlane,
    ike,
    blind,
    readFence: () => readFence({ device: options.device, mark }),
    drift,
    log,
    recent,
  });
  const status = await serveStatus(state, answers);
  // Behind the status socket, which has found out whether another agent runs here.
  const resolve = rememberAddresses({
    state,
    onTrouble: (error) =>
      log.warn(
        { reason: messageOf(error) },
        'the addresses of the controller cannot be read or kept for the next start',
      ),
  });
  const relay = await serveRelay(state.file(RELAY_FILE), identity.value.session, mark, onceEach(log), resolve);
  await underlay.start(installer);
  events.add({ kind: 'agent_started', detail: `version ${AGENT_VERSION}` });
  await edge.restore();
  if (edge.running === undefined) await closed.start();
  drift.start();
  observer.start();
  session.start();
  renewal.start();
  const metrics = options.metricsListen && (await serveMetrics(options.metricsListen, answers.metrics, log));
  return {
    summary: () =>
      edge.running === undefined
        ? closedLine(closed.networks ?? 0)
        : `runs generation ${edge.running.generation} with ${edge.running.tunnels.size} tunnels`,
    stop: async () => {
      underlay.stop();
      drift.stop();
      edge.stop();
      reporter.stop();
      observer.stop();
      await session.stop();
      await renewal.stop();
      await relay.close();
      await ike.stop();
      await blind.stop();
      await dataPlane.stop();
      system.close();
      for (const queue of queues) queue.close();
      await status.close();
      await metrics?.close();
    },
  };
}

/** Opens a first session as another identity, on a way of its own: its controller may be another, too. */
async function proveIdentity(identity: Identity, state: StateDirectory, mark: number): Promise<void> {
  const relay = await serveRelay(state.file(PENDING_RELAY_FILE), identity.session, mark, () => undefined);
  try {
    await awaitWelcome(openSessionStream(identity, relay.target), {
      agentVersion: AGENT_VERSION,
      bootId: randomUUID(),
      associations: [],
      keyingModes: [...KEYING_MODES],
      limitsRemovals: true,
      severalUplinks: true,
      tunnelsByAddress: true,
    });
  } finally {
    await relay.close();
  }
}

/** Says why the controller is not reached, and not with every attempt. */
function onceEach(log: Log): (error: unknown) => void {
  let said: string | undefined;
  return (error) => {
    const reason = messageOf(error);
    if (reason !== said) log.warn({ reason }, 'the controller is not reached');
    said = reason;
  };
}

function after(milliseconds: number, run: () => void): () => void {
  const timer = setTimeout(run, milliseconds);
  return () => clearTimeout(timer);
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(milliseconds, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** For whoever asks what happened; some hundred octets each. */
const KEPT_LOG_LINES = 1000;
/** Next to the status socket. */
const RELAY_FILE = 'session.sock';
const PENDING_RELAY_FILE = 'pending-session.sock';
/** Holds what arrives in some ten milliseconds at a few gigabits, while the worker is not scheduled. */
const SOCKET_BUFFER_OCTETS = 8 << 20;
/** Enough for the first handshakes to be answered at once; an agent that starts waits so long. */
const IKE_REHEARSAL_MILLISECONDS = 100;

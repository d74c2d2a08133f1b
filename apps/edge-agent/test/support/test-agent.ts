import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { enrollEdge } from '../../src/cli/enroll.js';
import { BundleInstaller } from '../../src/control/bundle-installer.js';
import { BundleStore } from '../../src/control/bundle-store.js';
import { CertificateRenewal } from '../../src/control/certificate-renewal.js';
import { Edge, trustHeldBy } from '../../src/control/edge.js';
import { requestRenewal } from '../../src/control/renewal-call.js';
import { SessionLoop } from '../../src/control/session-loop.js';
import { openSessionStream } from '../../src/control/session-stream.js';
import { System } from '../../src/control/system.js';
import { formatControllerAddress } from '../../src/identity/controller-address.js';
import { CurrentIdentity } from '../../src/identity/current-identity.js';
import { type Identity, parseIdentity, type StoredIdentity } from '../../src/identity/identity.js';
import { loadStoredIdentity } from '../../src/identity/identity-store.js';
import type { Log } from '../../src/platform/log.js';
import { StateDirectory } from '../../src/platform/state-directory.js';
import { StateKey } from '../../src/platform/state-key.js';
import { Machine } from './machine.js';
import { NO_BLIND } from './no-blind.js';

export { ikeBetween } from './ike-between.js';
export { type Identity, parseIdentity, type StoredIdentity };

/** The control half of an agent, with a machine in memory: enrolls, keeps a session, renews its certificate. */
export class TestAgent {
  readonly #state: StateDirectory;
  readonly #identity: CurrentIdentity;
  readonly #session: SessionLoop;
  readonly #renewal: CertificateRenewal;
  /** Why its sessions ended. */
  readonly ended: string[] = [];
  #welcomes = 0;
  #changed: (() => void)[] = [];

  private constructor(state: StateDirectory, identity: CurrentIdentity, store: BundleStore, renews: boolean) {
    this.#state = state;
    this.#identity = identity;
    const log = this.#log();
    const machine = new Machine();
    const edge = new Edge({
      audience: identity.audience,
      storedAudience: identity.storedAudience,
      followSigningKeys: ({ successions }) => identity.followSigningKeys(successions),
      followTrust: (trustBundle) => identity.followTrust(trustBundle),
      trustHeld: () => trustHeldBy(identity.value),
      agentVersion: '1',
      bootId: randomUUID(),
      store,
      highestEpoch: 0n,
      installer: new BundleInstaller(new System(machine), { ike: NO_IKE, blind: NO_BLIND }, log),
      dataPlane: machine.dataPlane,
      ike: { lifetimeEnded: () => false },
      blind: NO_BLIND,
      log,
      events: { add: ignore, welcomed: ignore, stored: ignore, ended: ignore },
      confirmMilliseconds: 0,
      removalLimitPercent: 100,
      after,
      send: (message) => this.#session.send(message),
      onWelcome: async () => {
        if (renews) this.#renewal.connected();
        this.#welcomes++;
        this.#wake();
      },
      onFatal: (error) => {
        throw error;
      },
    });
    identity.onChange(() => {
      edge.tellTrust();
      this.#wake();
    });
    this.#session = new SessionLoop({
      open: () => openSessionStream(identity.value),
      expired: () => false,
      handlers: edge,
      log,
      random: Math.random,
      pause: (milliseconds, signal) => delay(milliseconds, undefined, { signal }).then(ignore, ignore),
    });
    this.#renewal = new CertificateRenewal({
      identity,
      request: (request) => requestRenewal(identity.value, formatControllerAddress(identity.value.session), request),
      log,
      wallClock: () => Date.now(),
      clock: () => performance.now(),
      after,
      random: () => 0,
    });
  }

  /** `weft-edge enroll`, with the line from the console. Throws AgentError. */
  static async enroll(command: string, directory: string): Promise<void> {
    const [, controller = '', token = ''] = /--controller (\S+) --token (\S+)/.exec(command) ?? [];
    const state = path.join(directory, 'state');
    await enrollEdge({
      controller,
      token,
      stateDir: state,
      stateKey: `${state}.key`,
      mark: 0x7765,
      protectedNetworks: [],
      // This machine is none of its business.
      network: undefined,
    });
  }

  /** `weft-edge run`. @param renews whether it gets to renewing its certificate */
  static async start(directory: string, renews: boolean): Promise<TestAgent> {
    const state = await StateDirectory.open(path.join(directory, 'state'));
    const store = new BundleStore(state, await StateKey.open(path.join(directory, 'state.key')));
    const agent = new TestAgent(state, await CurrentIdentity.open(state), store, renews);
    agent.#session.start();
    if (renews) agent.#renewal.start();
    return agent;
  }

  /** What the agent of a directory has on its disk. */
  static async read(directory: string): Promise<StoredIdentity> {
    return loadStoredIdentity(await StateDirectory.open(path.join(directory, 'state')));
  }

  get identity(): Identity {
    return this.#identity.value;
  }

  /** As it is on the disk. */
  get stored(): Promise<StoredIdentity> {
    return loadStoredIdentity(this.#state);
  }

  /** How often the controller has welcomed it. */
  get welcomes(): number {
    return this.#welcomes;
  }

  /** Resolves when the controller has welcomed it so often. */
  async welcomed(times = 1): Promise<void> {
    await this.#until(() => this.#welcomes >= times);
  }

  /** Resolves when its identity is as wanted. */
  async has(wanted: (identity: Identity) => boolean): Promise<void> {
    await this.#until(() => wanted(this.identity));
  }

  async stop(): Promise<void> {
    await this.#session.stop();
    await this.#renewal.stop();
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#changed.push(resolve));
  }

  #wake(): void {
    for (const wake of this.#changed.splice(0)) wake();
  }

  #log(): Log {
    const note = (fields: object, message: string) => {
      if (message === 'session ended') this.ended.push('reason' in fields ? String(fields.reason) : '');
    };
    return { debug: ignore, info: ignore, warn: note, error: ignore, fatal: ignore } as unknown as Log;
  }
}

function ignore(): undefined {
  return undefined;
}

function after(milliseconds: number, run: () => void): () => void {
  const timer = setTimeout(run, milliseconds);
  return () => clearTimeout(timer);
}

const NO_IKE = { apply: async () => undefined, move: ignore, found: () => undefined };

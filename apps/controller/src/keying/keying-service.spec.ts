import {
  type Bundle,
  EncryptionAlgorithm,
  type InstalledAssociation,
  KeyingMode,
  type SecurityAssociationCommand,
} from '@weft/contracts/southbound';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Clock } from '../platform/clock/clock.js';
import type { EdgeSession } from '../southbound/edge-session.js';
import { KeyingService } from './keying-service.js';
import { DRAIN_MILLISECONDS } from './keying-timing.js';
import type { TunnelSpec } from './tunnel-keying.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the keying service', () => {
  it('establishes a tunnel, and makes it anew after a restart of the controller', async () => {
    const fabric = new Fabric([]);
    await fabric.comeToRest();
    fabric.expectOnePair();
    const before = fabric.edges[0].inbound[0];
    fabric.restartController();
    await fabric.comeToRest();
    fabric.expectOnePair();
    expect(fabric.edges[0].inbound).not.toEqual([before]);
  });

  it('deletes what was replaced though the drain time passes while the event before it is worked in', async () => {
    const fabric = new Fabric([]);
    await fabric.comeToRest();
    fabric.restartController();
    // The process stands still exactly between deciding that it is too early and setting the timer.
    fabric.edges[0].beforeAnswering = (command) => {
      if (command.step?.$case === 'installOutbound') fabric.clock.stalls = [0, DRAIN_MILLISECONDS];
    };
    fabric.edges[1].beforeAnswering = fabric.edges[0].beforeAnswering;
    await fabric.comeToRest();
    fabric.expectOnePair();
  });

  it('comes to rest though a session is ended once more before it is closed', async () => {
    const fabric = new Fabric([]);
    await fabric.comeToRest();
    fabric.clock.stalls = [...TWICE_OVERDUE];
    fabric.restartController();
    await fabric.comeToRest();
    fabric.expectOnePair();
  });

  it('comes to rest with one pair however long the process stands still, and wherever', async () => {
    const stalls = fc.array(fc.constantFrom(0, 0, 0, 0.4, 1, 900, DRAIN_MILLISECONDS, 6_000), {
      minLength: 20,
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(stalls, stalls, async (first, second) => {
        const fabric = new Fabric(first);
        await fabric.comeToRest();
        fabric.expectOnePair();
        fabric.clock.stalls = [...second];
        fabric.restartController();
        await fabric.comeToRest();
        fabric.expectOnePair();
      }),
      { numRuns: 200 },
    );
  });
});

/** Stalls by which a step is overdue in a session that is about to end because the step before it was. */
const TWICE_OVERDUE = [0, 0, 0, 0, 6000, 6000, 0, 0, 0, 0, 0, 0, 6000, 6000, 0, 0, 0, 0, 6000, 6000];

/** A clock that runs with the fake timers, and jumps ahead of them by the next stall whenever it is looked at. */
class StallingClock extends Clock {
  stalls: number[];
  #ahead = 0;

  constructor(stalls: readonly number[]) {
    super();
    this.stalls = [...stalls];
  }

  override monotonicMilliseconds(): number {
    this.#ahead += this.stalls.shift() ?? 0;
    return Date.now() + this.#ahead;
  }
}

/** An edge that does as it is told and connects again when its session is ended. Its associations outlive sessions. */
class ObedientEdge {
  inbound: number[] = [];
  outbound: number[] = [];
  beforeAnswering: (command: SecurityAssociationCommand) => void = () => undefined;
  readonly #peer: number;
  readonly #id: string;

  constructor(index: 0 | 1) {
    this.#id = edgeId(index);
    this.#peer = 1 - index;
  }

  connect(keying: KeyingService): void {
    let open = true;
    let ending = false;
    const session: EdgeSession = {
      tenantId: 'tenant',
      edgeId: this.#id,
      agentVersion: '1',
      bootId: 'boot',
      certificateSerial: '01',
      connectedSince: new Date(),
      send: (message, gone) => {
        if (message.$case !== 'securityAssociationCommand') return;
        setTimeout(() => {
          if (open) this.#obey(message.value);
          gone?.();
          const answer = { commandId: message.value.commandId, rejection: undefined };
          if (open) keying.answered(this.#id, answer);
        }, 1);
      },
      // As a stream's: once ended, ending it again does nothing, and the edge connects again once.
      end: () => {
        if (ending) return;
        ending = true;
        setTimeout(() => {
          open = false;
          keying.sessionClosed(session);
          this.connect(keying);
        }, 1);
      },
    };
    keying.sessionOpened(session, [...named(this.inbound, true), ...named(this.outbound, false)]);
    keying.bundleRunning(this.#id, bundleWithPeer(this.#peer));
  }

  #obey(command: SecurityAssociationCommand): void {
    this.beforeAnswering(command);
    const { step } = command;
    const spis = step?.$case === 'deleteAssociations' ? [] : (step?.value.associations.map(({ spi }) => spi) ?? []);
    if (step?.$case === 'installInbound') this.inbound.push(...spis);
    if (step?.$case === 'installOutbound') this.outbound.push(...spis);
    if (step?.$case === 'deleteAssociations') {
      const gone = step.value;
      this.inbound = this.inbound.filter((spi) => !gone.inboundSpis.includes(spi));
      this.outbound = this.outbound.filter((spi) => !gone.outbound.some((sent) => sent.spi === spi));
    }
  }
}

class Fabric {
  readonly clock: StallingClock;
  readonly edges = [new ObedientEdge(0), new ObedientEdge(1)] as const;
  #keying: KeyingService;

  constructor(stalls: readonly number[]) {
    this.clock = new StallingClock(stalls);
    this.#keying = this.#start();
  }

  restartController(): void {
    this.#keying.onApplicationShutdown();
    vi.clearAllTimers();
    this.#keying = this.#start();
  }

  /** Lets time pass until nothing waits for it. */
  async comeToRest(): Promise<void> {
    for (let step = 0; vi.getTimerCount() > 0; step += 1) {
      if (step > MAX_STEPS) throw new Error('the fabric does not come to rest');
      await vi.advanceTimersToNextTimerAsync();
    }
  }

  expectOnePair(): void {
    const [a, b] = this.edges;
    const current = this.#keying.state(TUNNEL)?.current?.spis ?? [0, 0];
    expect({ a: [a.inbound, a.outbound], b: [b.inbound, b.outbound] }).toEqual({
      a: [[current[0]], [current[1]]],
      b: [[current[1]], [current[0]]],
    });
  }

  #start(): KeyingService {
    const keying = new KeyingService(this.clock, pino({ level: 'silent' }));
    keying.retarget('tenant', new Map([[TUNNEL, SPEC]]));
    for (const edge of this.edges) edge.connect(keying);
    return keying;
  }
}

function edgeId(index: number): string {
  return `edge-${index}`;
}

function named(spis: readonly number[], inbound: boolean): InstalledAssociation[] {
  return spis.map((spi) => ({ tunnelId: TUNNEL, spi, inbound }));
}

function bundleWithPeer(peer: number): Bundle {
  const { address = '', port = 0, name = '' } = SPEC.ends[peer] ?? {};
  return {
    device: { mtu: 1400 },
    underlay: { address: '0.0.0.0', port: 4500 },
    tunnels: [
      {
        tunnelId: TUNNEL,
        peerEdgeId: edgeId(peer),
        peerName: name,
        remote: { address, port },
        keyingMode: KeyingMode.KEYING_MODE_IKE_LESS,
        profile: {
          encryption: EncryptionAlgorithm.ENCRYPTION_ALGORITHM_AES_GCM_16,
          keyBits: 256,
          replayWindow: 1024,
          extendedSequenceNumbers: true,
        },
        carries: [],
      },
    ],
    securityPolicies: [],
    routes: [],
    localNetworks: [],
    networkMappings: [],
    addressSets: [],
    tunnelGroups: [],
  };
}

const TUNNEL = 'tunnel';

const SPEC: TunnelSpec = {
  ends: [
    { edgeId: edgeId(0), name: 'paris', address: '203.0.113.1', port: 4500 },
    { edgeId: edgeId(1), name: 'tokyo', address: '203.0.113.2', port: 4500 },
  ],
  keyingMode: 'ike-less',
  profile: {
    protocol: 'esp',
    encryption: 'aes-gcm-16',
    keyBits: 256,
    replayWindow: 1024,
    extendedSequenceNumbers: true,
    encapsulation: 'udp',
  },
};

const MAX_STEPS = 2_000;

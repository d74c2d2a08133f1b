import { createHash } from 'node:crypto';
import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import {
  Bundle,
  BundleManifest,
  type BundlePush,
  type Hello,
  KeyingMode,
  type RunningBundle,
  type SecurityAssociation,
  type SecurityAssociationCommand,
  type SessionRequest,
  type SessionResponse,
  type SessionServiceClient,
} from '@weft/contracts/southbound';
import { EnrollmentTokens } from '../../src/enrollment/enrollment-tokens.js';
import { certificatePem, createEdgeKey } from '../support/edge-credentials.js';
import { enroll, pinnedRoot, sessionClient } from '../support/southbound-clients.js';
import type { TestController } from '../support/test-controller.js';

export interface Credentials {
  readonly root: Buffer;
  readonly privateKey: Buffer;
  readonly certificate: Buffer;
}

type Message = NonNullable<SessionResponse['message']>;
type Value<K extends Message['$case']> = Extract<Message, { $case: K }>['value'];

/** Enrolls as an edge does. */
export async function enrolled(controller: TestController, tenantId: string, edgeId: string): Promise<Credentials> {
  const tokens = controller.controller.application.get(EnrollmentTokens);
  const { token } = await controller.asTenant(tenantId, () => tokens.create(tenantId, edgeId));
  const root = await pinnedRoot(controller.addresses.enrollment, token);
  const { privateKey, request } = await createEdgeKey();
  const response = await enroll(controller.addresses.enrollment, root, { token, certificateSigningRequest: request });
  return { root, privateKey, certificate: certificatePem(...response.certificateChain) };
}

/** An edge without a data plane: it does what it is told, or what the test says, and remembers all of it. */
export class ScriptedEdge {
  readonly inbound = new Map<number, SecurityAssociation>();
  /** In order of installation: the last one is used. */
  readonly outbound: SecurityAssociation[] = [];
  readonly received: Message[] = [];
  running: RunningBundle | undefined;
  bundle: Bundle | undefined;
  /** What it answers to pushes and commands; undefined leaves them unanswered. */
  answerPush: ((push: BundlePush) => SessionRequest['message']) | undefined = (push) => this.apply(push);
  readonly name: string;
  readonly #credentials: Credentials;
  #client: SessionServiceClient | undefined;
  #stream: ClientDuplexStream<SessionRequest, SessionResponse> | undefined;
  #watchers: (() => void)[] = [];
  #company: readonly ScriptedEdge[] = [this];
  /** Set when the stream is over. */
  ended: ServiceError | 'ended' | undefined;

  constructor(name: string, credentials: Credentials) {
    this.name = name;
    this.#credentials = credentials;
  }

  /** Makes edges one scenario: who waits for one of them looks whenever something happens to any, and fails with any. */
  static together<T extends readonly ScriptedEdge[]>(edges: T): T {
    for (const edge of edges) edge.#company = edges;
    return edges;
  }

  /** Opens a stream; says nothing yet. */
  open(controller: TestController): this {
    this.close();
    this.ended = undefined;
    this.received.length = 0;
    this.#client = sessionClient(controller.addresses.session, this.#credentials.root, this.#credentials);
    const stream = this.#client.session();
    this.#stream = stream;
    stream.on('data', (response: SessionResponse) => {
      // What an abandoned stream still brings was said to nobody.
      if (response.message !== undefined && stream === this.#stream) this.#take(response.message);
    });
    stream.on('error', (error: ServiceError) => this.#end(stream, error));
    stream.on('end', () => this.#end(stream, 'ended'));
    return this;
  }

  /** Opens a stream and says Hello. */
  connect(controller: TestController, change: Partial<Hello> = {}): this {
    this.open(controller);
    return this.say({ $case: 'hello', value: { ...this.hello(), ...change } });
  }

  hello(): Hello {
    const named = (sas: Iterable<SecurityAssociation>, inbound: boolean) =>
      [...sas].map(({ tunnelId, spi }) => ({ tunnelId, spi, inbound }));
    return {
      agentVersion: '1.2.3',
      bootId: `boot of ${this.name}`,
      running: this.running,
      associations: [...named(this.inbound.values(), true), ...named(this.outbound, false)],
      keyingModes: [KeyingMode.KEYING_MODE_IKEV2, KeyingMode.KEYING_MODE_IKE_LESS],
      limitsRemovals: true,
    };
  }

  say(message: NonNullable<SessionRequest['message']>): this {
    this.#stream?.write({ message });
    return this;
  }

  /** A message of no kind. */
  sayNothing(): this {
    this.#stream?.write({});
    return this;
  }

  /** Another machine with the same certificate. */
  twin(): ScriptedEdge {
    return new ScriptedEdge(`another ${this.name}`, this.#credentials);
  }

  /** Loses everything that was in memory. */
  reboot(): void {
    this.close();
    this.inbound.clear();
    this.outbound.length = 0;
  }

  /** Ends the stream without a word. */
  close(): void {
    this.#stream?.cancel();
    this.#client?.close();
    this.#stream = undefined;
  }

  /** Resolves as soon as the condition holds, looking after each message; rejects when a stream ends before. */
  until<T>(condition: () => T | undefined | false): Promise<T> {
    const gone = () => this.#company.find((edge) => edge.ended !== undefined);
    return new Promise((resolve, reject) => {
      const check = () => {
        const result = condition();
        if (result !== undefined && result !== false) resolve(result);
        else if (gone() !== undefined) reject(new Error(`the stream of ${gone()?.name} ended: ${gone()?.ended}`));
        else this.#watchers.push(check);
      };
      check();
    });
  }

  /** The stream's final status. */
  async status(): Promise<{ code: number; details: string }> {
    const ended = await this.until(() => this.ended);
    if (ended === 'ended') throw new Error('the stream ended without a status');
    return { code: ended.code, details: ended.details };
  }

  messages<K extends Message['$case']>(kind: K): Value<K>[] {
    return this.received.filter((message) => message.$case === kind).map(({ value }) => value as Value<K>);
  }

  /** Steps that it was told, in order. */
  steps(): string[] {
    return this.messages('securityAssociationCommand').map((command) => command.step?.$case ?? 'nothing');
  }

  /** Takes a bundle over and acknowledges it. */
  apply(push: BundlePush): NonNullable<SessionRequest['message']> {
    const manifest = BundleManifest.decode(push.bundle?.manifest ?? Buffer.alloc(0));
    const content = push.bundle?.content ?? Buffer.alloc(0);
    this.running = { generation: manifest.generation, contentHash: createHash('sha256').update(content).digest() };
    const bundle = Bundle.decode(content);
    this.bundle = bundle;
    const kept = new Set(bundle.tunnels.map(({ tunnelId }) => tunnelId));
    for (const [spi, { tunnelId }] of this.inbound) if (!kept.has(tunnelId)) this.inbound.delete(spi);
    this.outbound.splice(0, this.outbound.length, ...this.outbound.filter(({ tunnelId }) => kept.has(tunnelId)));
    return { $case: 'bundleAck', value: { nonce: push.nonce, running: this.running } };
  }

  #take(message: Message): void {
    this.received.push(message);
    if (message.$case === 'bundlePush') {
      const answer = this.answerPush?.(message.value);
      if (answer !== undefined) this.say(answer);
    }
    if (message.$case === 'securityAssociationCommand') {
      this.#obey(message.value);
      const value = { commandId: message.value.commandId, rejection: undefined };
      this.say({ $case: 'securityAssociationResult', value });
    }
    this.#notify();
  }

  #obey({ step }: SecurityAssociationCommand): void {
    if (step?.$case === 'installInbound') for (const sa of step.value.associations) this.inbound.set(sa.spi, sa);
    if (step?.$case === 'installOutbound') this.outbound.push(...step.value.associations);
    if (step?.$case === 'deleteAssociations') {
      const { inboundSpis, outbound } = step.value;
      for (const spi of inboundSpis) this.inbound.delete(spi);
      const kept = this.outbound.filter(
        (sa) => !outbound.some(({ spi, tunnelId }) => spi === sa.spi && tunnelId === sa.tunnelId),
      );
      this.outbound.splice(0, this.outbound.length, ...kept);
    }
  }

  #end(stream: ClientDuplexStream<SessionRequest, SessionResponse>, how: ServiceError | 'ended'): void {
    if (stream !== this.#stream || (this.ended !== undefined && how === 'ended')) return;
    this.ended = how;
    this.#notify();
  }

  #notify(): void {
    for (const edge of this.#company) for (const watcher of edge.#watchers.splice(0)) watcher();
  }
}

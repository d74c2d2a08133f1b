import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import {
  type KeyShare,
  SecurityAssociationCommand,
  type SessionRequest,
  type SessionResponse,
  SessionServiceService,
  SignedBundle,
} from '@weft/contracts/southbound';

/**
 * The session side of a controller as a process for a network namespace: one port for each edge, by which it knows them. What
 * edges say is printed, a line of JSON each; `{"edge", "bundle"}` on standard input pushes a bundle, and with `"cutsOff"` it is
 * out of reach for the edge as soon as that has it. `{"edge", "command"}` sends a command for security associations. Key shares are relayed
 * as they are; with `{"edge", "alters": true}` those of the edge are not.
 * usage: controller-process.ts FILE, which holds { rootPem, keyPem, chainPem, ports: { left: 1, right: 2 } }
 */
const { rootPem, keyPem, chainPem, ports } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as {
  rootPem: string;
  keyPem: string;
  chainPem: string;
  ports: Record<string, number>;
};
const STATUS_MILLISECONDS = 500;
type Stream = ServerDuplexStream<SessionRequest, SessionResponse>;
const streams = new Map<string, Stream>();
const servers = new Map<string, Server>();
const cutOff = new Set<string>();
const pushedAt = new Map<string, number>();
/** The last key share of each edge; with two edges, it is for the other. */
const keyShares = new Map<string, KeyShare>();
/** Edges whose key shares do not come through as they were. */
const altered = new Set<string>();
let pushes = 0;

interface Asked {
  readonly edge: string;
  readonly bundle?: unknown;
  readonly cutsOff?: boolean;
  readonly command?: unknown;
  readonly alters?: boolean;
}

await Promise.all(Object.entries(ports).map(([edge, port]) => listen(edge, port)));
say({ said: 'ready' });
for await (const line of createInterface({ input: process.stdin })) {
  const { edge, bundle, cutsOff, command, alters } = JSON.parse(line) as Asked;
  const stream = streams.get(edge);
  if (command !== undefined) {
    const value = SecurityAssociationCommand.fromJSON(command);
    stream?.write({ message: { $case: 'securityAssociationCommand', value } });
    continue;
  }
  if (alters !== undefined) {
    if (alters) altered.add(edge);
    else altered.delete(edge);
    continue;
  }
  if (cutsOff) cutOff.add(edge);
  const push = { nonce: `${++pushes}`, bundle: SignedBundle.fromJSON(bundle) };
  pushedAt.set(push.nonce, performance.now());
  stream?.write({ message: { $case: 'bundlePush', value: push } });
}
process.exit(0);

function listen(edge: string, port: number): Promise<void> {
  const server = new Server();
  const session = (stream: Stream): void => {
    streams.set(edge, stream);
    stream.on('data', (request: SessionRequest) => answer(edge, stream, request));
    stream.on('error', () => undefined);
    stream.on('end', () => stream.end());
  };
  servers.set(edge, server);
  server.addService(SessionServiceService, { session });
  const pair = { private_key: Buffer.from(keyPem), cert_chain: Buffer.from(chainPem) };
  const credentials = ServerCredentials.createSsl(Buffer.from(rootPem), [pair], true);
  return new Promise((resolve, reject) => {
    server.bindAsync(`0.0.0.0:${port}`, credentials, (error) => (error ? reject(error) : resolve()));
  });
}

function answer(edge: string, stream: Stream, { message }: SessionRequest): void {
  switch (message?.$case) {
    case 'hello': {
      const { running } = message.value;
      say({ said: 'hello', edge, running: running?.contentHash.toString('hex') ?? '' });
      const welcome = {
        epoch: 5n,
        statusIntervalMilliseconds: STATUS_MILLISECONDS,
        takesEvents: true,
        relaysKeyShares: true,
      };
      stream.write({ message: { $case: 'welcome', value: welcome } });
      for (const [from, share] of keyShares) if (from !== edge) relay(from, share, stream);
      return;
    }
    case 'keyShare':
      say({ said: 'share', edge, octets: message.value.signedMessage.toString('hex') });
      keyShares.set(edge, message.value);
      for (const [other, to] of streams) if (other !== edge) relay(edge, message.value, to);
      return;
    case 'bundleAck': {
      const milliseconds = performance.now() - (pushedAt.get(message.value.nonce) ?? Number.NaN);
      // Its port is closed, with what is open on it.
      if (cutOff.has(edge)) servers.get(edge)?.forceShutdown();
      const running = message.value.running?.contentHash.toString('hex') ?? '';
      say({ said: 'ack', edge, running, milliseconds });
      return;
    }
    case 'securityAssociationResult':
      say({ said: 'result', edge, ...message.value });
      return;
    case 'bundleNack':
      say({ said: 'nack', edge, ...message.value.rejection });
      return;
    case 'events': {
      const { events } = message.value;
      for (const { kind, cause, detail } of events) say({ said: 'event', edge, kind, cause, detail });
      stream.write({ message: { $case: 'eventsStored', value: { number: events.at(-1)?.number ?? 0n } } });
    }
  }
}

function relay(from: string, { tunnelId, signedMessage }: KeyShare, to: Stream): void {
  const octets = Buffer.from(signedMessage);
  // Within the certificate, at the end.
  if (altered.has(from)) octets[octets.length - 1] = (octets.at(-1) ?? 0) ^ 1;
  to.write({ message: { $case: 'keyShare', value: { tunnelId, signedMessage: octets } } });
}

function say(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

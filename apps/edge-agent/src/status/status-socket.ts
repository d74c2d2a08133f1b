import { chmod, rm } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { AgentError, messageOf, systemCodeOf } from '../platform/agent-error.js';
import type { StateDirectory } from '../platform/state-directory.js';
import { AgentStatus } from './agent-status.js';
import { Diagnosis } from './diagnosis.js';
import { IkeReport } from './ike-report.js';
import { PacketAccount } from './packet-account.js';

/** What can be wrong with the local socket. */
export type StatusSocketErrorCode =
  | 'already_running'
  | 'not_running'
  | 'socket_unusable'
  | 'status_unreadable'
  | 'question_refused';

/** The local socket cannot be used. */
export class StatusSocketError extends AgentError<StatusSocketErrorCode> {
  override readonly name = 'StatusSocketError';
}

/** What can be asked of a running agent. */
export type StatusQuestion = (typeof QUESTIONS)[number];

/** What answers a question; the argument is what stood behind it. Throws QuestionError for one that cannot be. */
export type Answers = Readonly<Record<StatusQuestion, (argument: string) => Promise<unknown>>>;

/** An argument that the agent does not take; told to who asked. */
export class QuestionError extends AgentError<'question_refused'> {
  override readonly name = 'QuestionError';
}

/** The socket on which a running agent answers: a line with the question and its argument, and one JSON document. */
export interface StatusSocket {
  close(): Promise<void>;
}

/**
 * Listens in the state directory (0600). It is also how a second agent on the same directory is found out.
 * Throws StatusSocketError `already_running`, `socket_unusable`.
 */
export async function serveStatus(state: StateDirectory, answerTo: Answers): Promise<StatusSocket> {
  const path = state.file(SOCKET_FILE);
  if (await answers(path)) {
    throw new StatusSocketError(
      'already_running',
      `another agent runs on ${state.path}`,
      'stop it first, or give this one its own --state-dir',
    );
  }
  // Nobody listens: what is left there belonged to an agent that was killed.
  await rm(path, { force: true });
  const server = createServer((connection) => {
    connection.setTimeout(CLIENT_TIMEOUT_MILLISECONDS, () => connection.destroy());
    // A client that went away is its own affair.
    connection.on('error', () => connection.destroy());
    void answer(connection, answerTo);
  });
  server.maxConnections = MAX_CLIENTS;
  await listen(server, path);
  await chmod(path, SOCKET_MODE);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}

/** Whether an agent runs on this state directory. */
export function isRunning(state: StateDirectory): Promise<boolean> {
  return answers(state.file(SOCKET_FILE));
}

/** Asks a running agent how it is. Throws StatusSocketError `not_running`, `status_unreadable`. */
export async function fetchStatus(state: StateDirectory): Promise<AgentStatus> {
  return ask(state, 'status', AgentStatus);
}

/** Asks a running agent about its negotiations. Throws as `fetchStatus`. */
export async function fetchIkeReport(state: StateDirectory): Promise<IkeReport> {
  return ask(state, 'ike', IkeReport);
}

/** Asks what would become of a clear packet. Throws as `fetchStatus`, and `question_refused`. */
export async function fetchExplanation(state: StateDirectory, packet: Uint8Array): Promise<PacketAccount> {
  return ask(state, 'explain', PacketAccount, Buffer.from(packet).toString('base64'));
}

/** Asks for the metrics, as Prometheus reads them. Throws as `fetchStatus`. */
export async function fetchMetrics(state: StateDirectory): Promise<string> {
  return ask(state, 'metrics', z.string());
}

/** Has the agent say more or less in its log. @returns what it says from now on. Throws as `fetchExplanation`. */
export async function changeLogLevel(state: StateDirectory, level: string): Promise<string> {
  return ask(state, 'log-level', z.string(), level);
}

/** Asks for everything that helps to find a fault. Throws as `fetchStatus`. */
export async function fetchDiagnosis(state: StateDirectory): Promise<Diagnosis> {
  return ask(state, 'diagnose', Diagnosis);
}

async function ask<T>(
  state: StateDirectory,
  question: StatusQuestion,
  schema: z.ZodType<T>,
  argument = '',
): Promise<T> {
  const connection = createConnection(state.file(SOCKET_FILE));
  try {
    connection.write(`${question} ${argument}`.trimEnd().concat('\n'));
    const answer: unknown = JSON.parse(await text(connection));
    const refusal = Refusal.safeParse(answer);
    if (refusal.success) throw new StatusSocketError('question_refused', refusal.data.refused, refusal.data.fix);
    return schema.parse(answer);
  } catch (error) {
    if (error instanceof StatusSocketError) throw error;
    if (systemCodeOf(error) === 'ENOENT' || systemCodeOf(error) === 'ECONNREFUSED') {
      throw new StatusSocketError('not_running', `no agent runs on ${state.path}`, 'start it with `weft-edge run`', {
        cause: error,
      });
    }
    throw new StatusSocketError(
      'status_unreadable',
      `the agent's answer cannot be read: ${messageOf(error)}`,
      "look into the agent's log; run as the user who runs the agent",
      { cause: error },
    );
  }
}

/** A client that asks nothing we know, or nothing at all, gets nothing. */
async function answer(connection: Socket, answerTo: Answers): Promise<void> {
  try {
    const [question = '', argument = ''] = (await firstLine(connection)).split(' ', 2);
    if (!isQuestion(question)) connection.destroy();
    else connection.end(`${JSON.stringify(await answerTo[question](argument))}\n`);
  } catch (error) {
    if (error instanceof QuestionError) {
      connection.end(
        `${JSON.stringify({ refused: error.message, fix: error.fix } satisfies z.infer<typeof Refusal>)}\n`,
      );
      return;
    }
    // The packet path ended meanwhile, or the client went away: the log says the former, and the latter is its own affair.
    connection.destroy();
  }
}

async function firstLine(connection: Socket): Promise<string> {
  let line = '';
  for await (const chunk of connection.setEncoding('ascii').iterator({ destroyOnReturn: false })) {
    line += chunk;
    const end = line.indexOf('\n');
    if (end >= 0 || line.length > LONGEST_QUESTION) return line.slice(0, Math.max(0, end));
  }
  return line;
}

function isQuestion(line: string): line is StatusQuestion {
  return (QUESTIONS as readonly string[]).includes(line);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createConnection(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const fix = 'choose a --state-dir with a shorter path (a socket path has at most 107 octets) that can be written';
      reject(new StatusSocketError('socket_unusable', `${path}: ${messageOf(error)}`, fix, { cause: error }));
    });
    server.listen(path, resolve);
  });
}

const QUESTIONS = ['status', 'ike', 'explain', 'metrics', 'log-level', 'diagnose'] as const;
const SOCKET_FILE = 'agent.sock';
const SOCKET_MODE = 0o600;
const MAX_CLIENTS = 16;
const CLIENT_TIMEOUT_MILLISECONDS = 5_000;
/** A packet of 64 KiB in base64, and the question. */
const LONGEST_QUESTION = 90_000;
const Refusal = z.strictObject({ refused: z.string(), fix: z.string() });

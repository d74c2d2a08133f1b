import type {
  BundlePush,
  EdgeEventsStored,
  Hello,
  KeyShare,
  SecurityAssociationCommand,
  SessionRequest,
  SessionResponse,
  Welcome,
} from '@weft/contracts/southbound';
import { messageOf } from '../platform/agent-error.js';
import type { Log } from '../platform/log.js';
import { backoffMilliseconds } from './backoff.js';
import { explainSessionError, type SessionProblem } from './session-problem.js';
import { isServiceError, type SessionStream } from './session-stream.js';

/** What the edge does with the controller's messages. Answers are sent in the order in which messages came. */
export interface SessionHandlers {
  /** First message of a stream. */
  hello(): Promise<Hello>;
  /** Throws to refuse the controller: the stream is then closed. */
  welcome(welcome: Welcome): Promise<void>;
  /** Events of this edge are stored. */
  eventsStored(stored: EdgeEventsStored): void;
  /** A message for the other edge of a tunnel comes from that one. */
  keyShare(share: KeyShare): void;
  /** The controller takes messages again, after a time when `send` said no. */
  writable(): void;
  /** The session is over, for whatever reason. */
  ended(): void;
  bundlePush(push: BundlePush): Promise<SessionRequest>;
  securityAssociationCommand(command: SecurityAssociationCommand): Promise<SessionRequest>;
}

/** What the loop needs from its surroundings; tests bring their own. */
export interface SessionLoopOptions {
  /** Asked before each attempt; false ends the loop. Absent: always. */
  readonly mayDial?: () => Promise<boolean>;
  readonly open: () => SessionStream;
  readonly handlers: SessionHandlers;
  /** Whether the certificate of this edge has expired. */
  readonly expired: () => boolean;
  readonly log: Log;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Resolves after so many milliseconds, or at once when the signal fires. */
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Keeps one session with the controller, for ever: dial, Hello, Welcome, then messages one at a time. The next message
 * is read only when the last was answered, so a controller that hurries is slowed down by flow control and nothing
 * piles up here.
 */
export class SessionLoop {
  readonly #options: SessionLoopOptions;
  readonly #stopped = new AbortController();
  #stream: SessionStream | undefined;
  #welcomed = false;
  #writable = false;
  #running: Promise<void> | undefined;

  constructor(options: SessionLoopOptions) {
    this.#options = options;
  }

  /** True between Welcome and the end of the stream. */
  get connected(): boolean {
    return this.#welcomed;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends the session and the attempts. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#stream?.close();
    await this.#running;
  }

  /**
   * Sends a message of the edge's own accord.
   * @returns false when it was not sent: no session, or the controller has not yet taken what was sent before.
   */
  send(message: SessionRequest): boolean {
    if (!this.#welcomed || !this.#writable || this.#stream === undefined) return false;
    this.#write(this.#stream, message);
    return true;
  }

  async #run(): Promise<void> {
    const { log, pause, random, mayDial } = this.#options;
    let failures = 0;
    while (!this.#stopped.signal.aborted) {
      if (mayDial !== undefined && !(await mayDial())) return;
      if (this.#stopped.signal.aborted) return;
      const problem = await this.#session();
      this.#options.handlers.ended();
      if (this.#welcomed) failures = 0;
      this.#welcomed = false;
      if (this.#stopped.signal.aborted) return;
      const wait = Math.round(backoffMilliseconds(failures++, random()));
      log.warn({ ...problem, retryMilliseconds: wait }, 'session ended');
      await pause(wait, this.#stopped.signal);
    }
  }

  /** From Hello to the end of the stream, and why it ended. */
  async #session(): Promise<SessionProblem> {
    let hello: Hello;
    try {
      hello = await this.#options.handlers.hello();
    } catch (error) {
      return { reason: messageOf(error), fix: 'none needed if the packet path is restarting; else restart the agent' };
    }
    return this.#stopped.signal.aborted ? STOPPED : this.#converse(hello);
  }

  async #converse(hello: Hello): Promise<SessionProblem> {
    const stream = this.#options.open();
    this.#stream = stream;
    this.#writable = true;
    stream.call.on('drain', () => {
      if (this.#stream !== stream) return;
      this.#writable = true;
      if (this.#welcomed) this.#options.handlers.writable();
    });
    // The reading loop below sees the error; without a listener one that comes between two reads would be fatal.
    stream.call.on('error', () => undefined);
    let late = false;
    const patience = setTimeout(() => {
      late = true;
      stream.close();
    }, WELCOME_TIMEOUT_MILLISECONDS);
    try {
      this.#write(stream, { message: { $case: 'hello', value: hello } });
      for await (const response of stream.call as AsyncIterable<SessionResponse>) {
        clearTimeout(patience);
        await this.#receive(stream, response);
      }
      return { reason: 'the controller closed the stream', fix: 'none needed if it is restarting' };
    } catch (error) {
      if (late) return TOO_LATE;
      if (isServiceError(error)) return explainSessionError(error, this.#options.expired());
      return { reason: messageOf(error), fix: 'update the agent and the controller to matching versions' };
    } finally {
      clearTimeout(patience);
      stream.close();
      this.#stream = undefined;
      this.#writable = false;
    }
  }

  async #receive(stream: SessionStream, response: SessionResponse): Promise<void> {
    const { handlers, log } = this.#options;
    const { message } = response;
    if (message === undefined) throw new Error('the controller sent a message of a kind that this agent does not know');
    if (message.$case === 'welcome') {
      if (this.#welcomed) throw new Error('the controller sent Welcome twice');
      this.#welcomed = true;
      try {
        await handlers.welcome(message.value);
      } catch (error) {
        this.#welcomed = false;
        throw error;
      }
      log.info({ epoch: message.value.epoch.toString() }, 'session established');
      return;
    }
    if (!this.#welcomed) throw new Error(`the controller sent ${message.$case} before Welcome`);
    if (message.$case === 'eventsStored') {
      handlers.eventsStored(message.value);
      return;
    }
    if (message.$case === 'keyShare') {
      handlers.keyShare(message.value);
      return;
    }
    const answer =
      message.$case === 'bundlePush'
        ? await handlers.bundlePush(message.value)
        : await handlers.securityAssociationCommand(message.value);
    if (this.#stream === stream) this.#write(stream, answer);
  }

  #write(stream: SessionStream, message: SessionRequest): void {
    this.#writable = stream.call.write(message);
  }
}

const STOPPED = { reason: 'stopped', fix: 'none' };
/** From dialling on: what does not answer, or says one octet at a time, is left. */
const WELCOME_TIMEOUT_MILLISECONDS = 10_000;
const TOO_LATE: SessionProblem = {
  reason: `the controller did not say Welcome within ${WELCOME_TIMEOUT_MILLISECONDS} ms: it is too slow, or none`,
  fix: 'look whether what answers there is the controller, and what its log says',
};

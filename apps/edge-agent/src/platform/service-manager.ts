import { type NotifySocket, openNotifySocket } from '@weft/linux-io';
import { messageOf } from './agent-error.js';
import type { Log } from './log.js';

/** The manager that has started the agent (systemd), as far as it wants to know how the agent is. */
export interface ServiceManager {
  /** The agent does what it is there for; from now on it says that it is alive. */
  ready(status: string): void;
  /** One line for `systemctl status`. */
  status(text: string): void;
  stopping(): void;
}

/** What it needs from its surroundings; tests bring their own. */
export interface ServiceManagerParts {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  readonly log: Pick<Log, 'warn'>;
  /** Runs something once after so many milliseconds. @returns what cancels it. */
  readonly after: (milliseconds: number, run: () => void) => () => void;
  readonly open?: (path: string) => NotifySocket;
}

/**
 * Speaks with the manager that the environment names (sd_notify(3)); to nobody when it names none. The sign of life is given by
 * the thread that runs everything but the packet path, at a third of the time that the manager waits: should that thread hang,
 * the manager ends it and starts another. The threads of the packet path are watched by this one.
 */
export function serviceManager({
  environment,
  pid,
  log,
  after,
  open = openNotifySocket,
}: ServiceManagerParts): ServiceManager {
  const path = environment['NOTIFY_SOCKET'];
  if (path === undefined || path === '') return NOBODY;
  let socket: NotifySocket;
  try {
    socket = open(path);
  } catch (error) {
    log.warn({ reason: messageOf(error) }, 'the service manager cannot be told how this agent is');
    return NOBODY;
  }
  const interval = watchdogInterval(environment, pid);
  let cancel: () => void = () => undefined;
  const live = (): void => {
    if (interval === undefined) return;
    socket.send('WATCHDOG=1');
    cancel = after(interval, live);
  };
  return {
    ready: (status) => {
      socket.send(`READY=1\nSTATUS=${oneLine(status)}`);
      live();
    },
    status: (text) => void socket.send(`STATUS=${oneLine(text)}`),
    stopping: () => {
      cancel();
      socket.send('STOPPING=1');
      socket.close();
    },
  };
}

/** Milliseconds between two signs of life; undefined when none is waited for (sd_watchdog_enabled(3)). */
function watchdogInterval(environment: ServiceManagerParts['environment'], pid: number): number | undefined {
  const microseconds = Number(environment['WATCHDOG_USEC']);
  const meant = environment['WATCHDOG_PID'];
  if (!(microseconds > 0) || (meant !== undefined && Number(meant) !== pid)) return undefined;
  return Math.max(1, Math.floor(microseconds / 1000 / 3));
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}

const NOBODY: ServiceManager = { ready: () => undefined, status: () => undefined, stopping: () => undefined };

import { Injectable } from '@nestjs/common';
import type { EdgeSession } from './edge-session.js';

/** Live sessions, at most one per edge. */
@Injectable()
export class SessionRegistry {
  readonly #sessions = new Map<string, EdgeSession>();
  /** Agent versions of sessions that have ended, for the inventory; as many as there are edges. */
  readonly #lastVersions = new Map<string, string>();

  /** False when the edge has a live session already, which stays. */
  claim(session: EdgeSession): boolean {
    if (this.#sessions.has(session.edgeId)) return false;
    this.#sessions.set(session.edgeId, session);
    this.#lastVersions.set(session.edgeId, session.agentVersion);
    return true;
  }

  release(session: EdgeSession): void {
    if (this.#sessions.get(session.edgeId) === session) this.#sessions.delete(session.edgeId);
  }

  of(edgeId: string): EdgeSession | undefined {
    return this.#sessions.get(edgeId);
  }

  all(): readonly EdgeSession[] {
    return [...this.#sessions.values()];
  }

  lastAgentVersion(edgeId: string): string | undefined {
    return this.#lastVersions.get(edgeId);
  }

  /** Forgets what is remembered of an edge that exists no more. */
  forget(edgeId: string): void {
    this.#lastVersions.delete(edgeId);
  }
}

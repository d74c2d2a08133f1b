import { EXCHANGE } from '../../wire/ike/iana.js';
import type { IkeState } from '../states.js';
import type { HistoryEntry } from './entry.js';

/** What happened to a lineage, as far as it was kept. Holds nothing secret. */
export interface NegotiationHistory {
  readonly entries: readonly HistoryEntry[];
  /** Entries that were left out: from between the first and the latest ones, and liveness checks that went well. */
  readonly omitted: number;
}

/** A negotiation that is under way, or whose IKE SA stands. */
export interface Negotiation {
  /** Of a responder, until the peer has proved who it is, the one that its address admits. */
  readonly connection: string;
  readonly role: 'initiator' | 'responder';
  readonly state: IkeState['name'];
  readonly history: NegotiationHistory;
}

/**
 * How it began and what came last; what lies between goes when there is too much. A lineage lives for weeks, and what was
 * negotiated at its beginning is asked for then.
 */
export class History {
  readonly #beginning: HistoryEntry[] = [];
  readonly #latest: HistoryEntry[] = [];
  #omitted = 0;

  add(entry: HistoryEntry): void {
    const list = this.#beginning.length < BEGINNING ? this.#beginning : this.#latest;
    if (repeats(list.at(-1), entry)) list.pop();
    else if (isQuiet(entry) && list.slice(-QUIET).filter(isQuiet).length === QUIET) {
      list.splice(list.length - QUIET, 1);
      this.#omitted++;
    }
    list.push(entry);
    if (list === this.#latest && list.length > LATEST) {
      list.shift();
      this.#omitted++;
    }
  }

  get entries(): readonly HistoryEntry[] {
    return [...this.#beginning, ...this.#latest];
  }

  /** As it stands: what happens later is not in it. */
  snapshot(): NegotiationHistory {
    return { entries: this.entries, omitted: this.#omitted };
  }
}

/** An answer that is repeated again and again is one entry: anybody can make that happen with a recording. */
function repeats(last: HistoryEntry | undefined, entry: HistoryEntry): boolean {
  return last?.kind === 'answered-again' && entry.kind === 'answered-again' && last.id === entry.id;
}

/** An empty INFORMATIONAL exchange: the peer lives (RFC 7296 section 2.4). */
function isQuiet(entry: HistoryEntry): boolean {
  return entry.kind === 'message' && entry.exchange === EXCHANGE.INFORMATIONAL && entry.content.payloads.length === 0;
}

/** Room for a handshake with cookies, three additional key exchanges and several Child SAs. */
const BEGINNING = 32;
const LATEST = 48;
/** The latest liveness checks, request and answer. */
const QUIET = 8;

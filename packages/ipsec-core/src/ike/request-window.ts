import type { Path } from './path.js';
import type { OpenedMessage } from './protection.js';

/**
 * The peer's requests (RFC 7296 sections 2.1 to 2.3): each is answered once, in order of its message ID, and its answer is
 * kept to be repeated, octet by octet, as often as the request comes again. The window is as wide as we announced with
 * SET_WINDOW_SIZE; requests that overtake others within it wait, so that "the responder … processes them in order" and
 * the collisions of section 2.25 stay those of a window of one.
 */
export class RequestWindow {
  #size = 1;
  #expected: number;
  readonly #answers = new Map<number, readonly Uint8Array[]>();
  readonly #early = new Map<number, Arrived>();
  #answering = false;

  constructor(first: number) {
    this.#expected = first;
  }

  widen(size: number): void {
    this.#size = size;
  }

  /** ID of the request that is being answered, or will be next. */
  get expected(): number {
    return this.#expected;
  }

  place(id: number): 'answered' | 'in-work' | 'next' | 'early' | 'outside' {
    if (this.#answers.has(id)) return 'answered';
    if (id === this.#expected) return this.#answering ? 'in-work' : 'next';
    return id > this.#expected && id < this.#expected + this.#size ? 'early' : 'outside';
  }

  answerOf(id: number): readonly Uint8Array[] {
    return this.#answers.get(id) ?? [];
  }

  begin(): void {
    this.#answering = true;
  }

  answered(datagrams: readonly Uint8Array[]): void {
    this.#answers.set(this.#expected, datagrams);
    this.#answers.delete(this.#expected - this.#size);
    this.#expected++;
    this.#answering = false;
  }

  /** False when it waits already. */
  hold(arrived: Arrived): boolean {
    const { messageId } = arrived.message.header;
    if (this.#early.has(messageId)) return false;
    this.#early.set(messageId, arrived);
    return true;
  }

  /** The request that waited for the one just answered. */
  takeHeld(): Arrived | undefined {
    if (this.#answering) return undefined;
    const arrived = this.#early.get(this.#expected);
    this.#early.delete(this.#expected);
    return arrived;
  }
}

/** A request, and where its answer goes: "to the address and port" it came from (section 2.11). */
export interface Arrived {
  readonly message: OpenedMessage;
  readonly path: Path;
}

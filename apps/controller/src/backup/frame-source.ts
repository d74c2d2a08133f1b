import { BackupError } from './backup-error.js';
import type { BackupEnd, Frame, FrameKind } from './backup-format.js';

/** Frames one after the other, with a look at the next. */
export class FrameSource {
  readonly #frames: AsyncGenerator<Frame, BackupEnd, undefined>;
  #next: Frame | undefined;
  #end: BackupEnd | undefined;

  constructor(frames: AsyncGenerator<Frame, BackupEnd, undefined>) {
    this.#frames = frames;
  }

  /** The kind of the next frame; undefined behind the last. */
  async kind(): Promise<FrameKind | undefined> {
    if (this.#next === undefined && this.#end === undefined) {
      const result = await this.#frames.next();
      if (result.done === true) this.#end = result.value;
      else this.#next = result.value;
    }
    return this.#next?.kind;
  }

  /** Throws BackupError 'damaged' when the next frame is of another kind. */
  async take(kind: FrameKind): Promise<Frame> {
    const frame = await this.takeOptional(kind);
    if (frame === undefined) throw outOfOrder(kind, await this.kind());
    return frame;
  }

  /** Undefined when the next frame is of another kind: it stays. */
  async takeOptional(kind: FrameKind): Promise<Frame | undefined> {
    if ((await this.kind()) !== kind) return undefined;
    const frame = this.#next;
    this.#next = undefined;
    return frame;
  }

  /** Payloads of the frames of a kind that follow now. */
  async *run(kind: FrameKind): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const frame = await this.takeOptional(kind);
      if (frame === undefined) return;
      yield frame.payload;
    }
  }

  /** Lets go of what the frames come from, wherever they are. */
  async close(): Promise<void> {
    await this.#frames.return({ sha256: '', hmac: null });
  }

  /** Throws BackupError 'damaged' when something follows. */
  async end(): Promise<BackupEnd> {
    const kind = await this.kind();
    if (this.#end === undefined) throw outOfOrder('Z', kind);
    return this.#end;
  }
}

function outOfOrder(expected: FrameKind, found: FrameKind | undefined): BackupError {
  const there = found === undefined ? 'nothing more' : `one of kind ${found}`;
  return new BackupError(
    'damaged',
    `the file is no whole backup (a frame of kind ${expected} was to follow, and there is ${there})`,
  );
}

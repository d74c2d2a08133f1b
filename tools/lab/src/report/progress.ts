/** Where progress goes: one line per step, rewritten while it lasts on a terminal, written when it begins elsewhere. */
export interface Progress {
  /** The step before is done, this one begins. */
  begin(step: string): void;
  /** Something to say beside the steps. */
  note(text: string): void;
  /** The last step is done. */
  finish(): void;
  /** The last step has not come to its end. */
  fail(how: 'Failed' | 'Interrupted'): void;
}

export interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** `elapsedSeconds` is read whenever a line is written. */
export function makeProgress(output: ProgressOutput, elapsedSeconds: () => number): Progress {
  return output.isTTY === true
    ? new TerminalProgress(output, elapsedSeconds)
    : new PlainProgress(output, elapsedSeconds);
}

class PlainProgress implements Progress {
  readonly #output: ProgressOutput;
  readonly #elapsed: () => number;

  constructor(output: ProgressOutput, elapsed: () => number) {
    this.#output = output;
    this.#elapsed = elapsed;
  }

  begin(step: string): void {
    this.note(step);
  }

  note(text: string): void {
    this.#output.write(`${clock(this.#elapsed())}  ${text}\n`);
  }

  finish(): void {
    this.note('Done');
  }

  fail(how: string): void {
    this.note(how);
  }
}

class TerminalProgress implements Progress {
  readonly #output: ProgressOutput;
  readonly #elapsed: () => number;
  #step: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(output: ProgressOutput, elapsed: () => number) {
    this.#output = output;
    this.#elapsed = elapsed;
  }

  begin(step: string): void {
    this.#end('✓');
    this.#step = step;
    this.#draw('·');
    this.#timer = setInterval(() => this.#draw('·'), REDRAW_MILLISECONDS);
    this.#timer.unref();
  }

  note(text: string): void {
    this.#output.write(`\r${ERASE_LINE}${clock(this.#elapsed())}  ${text}\n`);
    if (this.#step !== undefined) this.#draw('·');
  }

  finish(): void {
    this.#end('✓');
  }

  fail(): void {
    this.#end('✗');
  }

  #end(mark: string): void {
    clearInterval(this.#timer);
    if (this.#step === undefined) return;
    this.#draw(mark);
    this.#output.write('\n');
    this.#step = undefined;
  }

  #draw(mark: string): void {
    this.#output.write(`\r${ERASE_LINE}${clock(this.#elapsed())} ${mark} ${this.#step ?? ''}`);
  }
}

function clock(seconds: number): string {
  return `${seconds.toFixed(1).padStart(6)} s`;
}

const ERASE_LINE = '\u001b[2K';
const REDRAW_MILLISECONDS = 100;

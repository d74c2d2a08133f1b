/** Where it goes, beside what is printed: standard error. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/**
 * Says what is waited for once it has taken longer than a second: on a terminal one line that counts and goes away again,
 * elsewhere one line each ten seconds.
 */
export async function withProgress<T>(output: ProgressOutput, step: string, work: Promise<T>): Promise<T> {
  const started = performance.now();
  const seconds = () => Math.round((performance.now() - started) / 1000);
  let said = false;
  const timer = setInterval(() => {
    const now = seconds();
    if (output.isTTY === true) output.write(`\r${ERASE_LINE}${step}, ${now} s`);
    else if (!said || now % PLAIN_SECONDS === 0) output.write(`${step}, ${now} s\n`);
    said = true;
  }, TICK_MILLISECONDS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    if (said && output.isTTY === true) output.write(`\r${ERASE_LINE}`);
  }
}

const TICK_MILLISECONDS = 1000;
const PLAIN_SECONDS = 10;
const ERASE_LINE = '\u001b[2K';

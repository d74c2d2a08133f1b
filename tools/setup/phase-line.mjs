// One line a phase: on a terminal it counts the seconds while the phase lasts, everywhere it says at the end what was done.

/**
 * Runs `work` and writes its outcome behind the name; resolves with `ok`.
 * @param {string} name
 * @param {() => Promise<{ ok: boolean, text: string }>} work
 * @returns {Promise<boolean>}
 */
export async function phase(name, work) {
  const started = performance.now();
  const elapsed = (/** @type {number} */ digits) => ((performance.now() - started) / 1000).toFixed(digits);
  const label = name.padEnd(NAME_WIDTH);
  transient = () => `${label}  … (${elapsed(0)} s)`;
  draw();
  const timer = process.stderr.isTTY ? setInterval(draw, 1_000) : undefined;
  try {
    const { ok, text } = await work();
    transient = undefined;
    say(`${label}  ${text} (${elapsed(1)} s)`);
    return ok;
  } finally {
    transient = undefined;
    clearInterval(timer);
  }
}

/**
 * A line of its own, also while a phase lasts.
 * @param {string} text
 */
export function say(text) {
  process.stderr.write(`${process.stderr.isTTY ? ERASE_LINE : ''}${text}\n`);
  draw();
}

function draw() {
  if (process.stderr.isTTY && transient !== undefined) process.stderr.write(`${ERASE_LINE}${transient()}`);
}

const NAME_WIDTH = 15;
const ERASE_LINE = '\r\u001b[2K';
/** @type {(() => string) | undefined} */
let transient;

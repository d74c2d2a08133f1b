// One line a phase: on a terminal it counts the seconds while the phase lasts, everywhere it says at the end what was done.

/** Runs `work` and writes its outcome `{ ok, text }` behind the name; resolves with `ok`. */
export async function phase(name, work) {
  const started = performance.now();
  const elapsed = (digits) => ((performance.now() - started) / 1000).toFixed(digits);
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

/** A line of its own, also while a phase lasts. */
export function say(text) {
  process.stderr.write(`${process.stderr.isTTY ? ERASE_LINE : ''}${text}\n`);
  draw();
}

function draw() {
  if (process.stderr.isTTY && transient !== undefined) process.stderr.write(`${ERASE_LINE}${transient()}`);
}

const NAME_WIDTH = 15;
const ERASE_LINE = '\r\u001b[2K';
let transient;

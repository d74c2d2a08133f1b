/** Times as an operator reads them: relative at a glance, exact on demand. `now` is always an argument. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Below this, a difference is clock skew or a poll in flight. */
const JUST_NOW = 2 * SECOND;

/** The distance from `now` to `then` in one unit: `12 s ago`, `in 29 d`, `just now`. Both are milliseconds since 1970. */
export function formatRelative(then: number, now: number): string {
  const distance = Math.abs(then - now);
  if (distance < JUST_NOW) return 'just now';
  const text = formatDuration(distance);
  return then > now ? `in ${text}` : `${text} ago`;
}

/** A length of time in its largest whole unit: `45 s`, `12 min`, `5 h`, `29 d`. */
export function formatDuration(milliseconds: number): string {
  const length = Math.max(0, milliseconds);
  if (length < MINUTE) return `${Math.floor(length / SECOND)} s`;
  if (length < HOUR) return `${Math.floor(length / MINUTE)} min`;
  if (length < 2 * DAY) return `${Math.floor(length / HOUR)} h`;
  return `${Math.floor(length / DAY)} d`;
}

/** What is left until a deadline as a clock: `59:32`, `1:00:00`; zero once it has passed. */
export function formatCountdown(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / SECOND));
  const pad = (part: number): string => String(part).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds % 60)}` : `${minutes}:${pad(seconds % 60)}`;
}

/** The exact instant in the reader's zone, with the zone: `2026-11-24 05:07:47 GMT+1`. */
export function formatExact(then: number, timeZone?: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
    ...(timeZone === undefined ? {} : { timeZone }),
  }).formatToParts(then);
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.find((each) => each.type === type)?.value ?? '';
  const date = `${part('year')}-${part('month')}-${part('day')}`;
  return `${date} ${part('hour')}:${part('minute')}:${part('second')} ${part('timeZoneName')}`;
}

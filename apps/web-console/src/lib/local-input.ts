/** Times as an input of type `datetime-local` has them: in the zone of the reader, without saying so. */

/** The instant as such an input shows it, to the second; empty for none. */
export function localInputOf(instant: string | undefined): string {
  if (instant === undefined) return '';
  const date = new Date(instant);
  const pad = (part: number, length = 2): string => String(part).padStart(length, '0');
  const day = `${pad(date.getFullYear(), 4)}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day}T${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

/** The instant that was put in, in UTC; undefined when there is none. */
export function instantOfLocal(input: string): string | undefined {
  // Without a zone, a date with a time is one of the reader's.
  const date = new Date(input);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

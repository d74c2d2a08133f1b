/**
 * The text of Server-Sent Events (HTML Living Standard, section 9.2). JSON has no line break outside of its strings and none inside, so
 * that an event's data is one line.
 */

/** An event that handlers of `message` get, or those of its name. Whoever comes back says its id. */
export function eventText(event: { readonly id?: string; readonly name?: string; readonly data: unknown }): string {
  const { id, name, data } = event;
  const head = `${id === undefined ? '' : `id: ${id}\n`}${name === undefined ? '' : `event: ${name}\n`}`;
  return `${head}data: ${JSON.stringify(data)}\n\n`;
}

/**
 * Where a client is and how long it is to wait before it comes back, without an event: "If the data buffer is an empty string, set the
 * data buffer and the event type buffer to the empty string and return", behind "Set the last event ID string of the event source".
 */
export function positionText(id: string, retryMilliseconds: number): string {
  return `retry: ${retryMilliseconds}\nid: ${id}\n\n`;
}

/** A comment: no handler sees it, and proxies see that somebody is there. */
export const HEARTBEAT = ':\n\n';

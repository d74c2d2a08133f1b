/** A place in the journal of a tenant: behind the event with this number. Its text is the id of that event. */
export interface EventPosition {
  /** Which journal; another one after a backup was restored. */
  readonly journal: string;
  /** From 1, without a gap; 0: before the first event. */
  readonly sequence: bigint;
}

export const EVENT_ID = /^[0-9a-f]{8}-(?:0|[1-9][0-9]{0,17})$/;

export function formatEventId({ journal, sequence }: EventPosition): string {
  return `${journal}-${sequence}`;
}

/** Undefined when the text is no id of an event. */
export function parseEventId(text: string): EventPosition | undefined {
  if (!EVENT_ID.test(text)) return undefined;
  const [journal = '', sequence = ''] = text.split('-');
  return { journal, sequence: BigInt(sequence) };
}

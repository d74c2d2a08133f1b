import { client, type Explanation, failureOf, unwrap } from '../../api/index.js';

/** What is asked: a packet, and by which revision. */
export interface Question {
  readonly source: string;
  readonly destination: string;
  readonly protocol: string;
  readonly sourcePort: number | string;
  readonly destinationPort: number | string;
  /** Of the revision; empty: the draft; `EARLIER`: that of `earlier`. */
  readonly revision: string;
  readonly earlier: number | string;
}

/** Chosen of an older revision than the list has. */
export const EARLIER = 'earlier';

/** What becomes of a packet, by the draft or by a revision. */
export async function explain(tenantId: string, question: Question): Promise<Explanation> {
  const { source, destination, protocol } = question;
  const revision = question.revision === EARLIER ? question.earlier : question.revision;
  const query = {
    source: source.trim(),
    destination: destination.trim(),
    protocol,
    ...(hasPorts(protocol) && portsOf(question)),
  };
  try {
    if (revision === '') {
      const params = { path: { tenantId }, query };
      return await unwrap(client.GET('/api/v1/tenants/{tenantId}/revisions/draft/explanation', { params }));
    }
    const params = { path: { tenantId, number: Number(revision) }, query };
    return await unwrap(client.GET('/api/v1/tenants/{tenantId}/revisions/{number}/explanation', { params }));
  } catch (error) {
    throw atFields(error);
  }
}

export function hasPorts(protocol: string): boolean {
  return protocol === 'tcp' || protocol === 'udp';
}

function portsOf({ sourcePort, destinationPort }: Question) {
  return {
    ...(sourcePort !== '' && { sourcePort: Number(sourcePort) }),
    ...(destinationPort !== '' && { destinationPort: Number(destinationPort) }),
  };
}

/** A query parameter is written ?name; the fields of a form are /name. */
function atFields(error: unknown): unknown {
  const failure = failureOf(error);
  if (failure.status === null) return error;
  return {
    ...failure,
    errors: failure.errors.map((entry) => ({ ...entry, pointer: entry.pointer.replace(/^\?/, '/') })),
  };
}

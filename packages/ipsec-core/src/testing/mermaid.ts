import { EXCHANGE, nameOf } from '../wire/ike/iana.js';
import { parseMessage } from '../wire/ike/message.js';

/** A sequence diagram of datagrams, for test output and documents. */
export function mermaid(
  sent: readonly { readonly at: number; readonly from: string; readonly octets: Uint8Array }[],
): string {
  const lines = sent.map(({ at, from, octets }) => {
    const parsed = parseMessage(octets);
    const to = from === 'left' ? 'right' : 'left';
    if (!parsed.ok) return `  ${from}--x${to}: ${Math.round(at)} ms ${octets.length} octets`;
    const { header, payloads } = parsed.value;
    const kind = `${nameOf(EXCHANGE, header.exchange)} ${header.response ? 'response' : 'request'} ${header.messageId}`;
    return `  ${from}${header.response ? '-->>' : '->>'}${to}: ${Math.round(at)} ms ${kind} ${payloads.map((p) => p.kind).join(' ')}`;
  });
  return ['sequenceDiagram', ...lines].join('\n');
}

import type { ExplainedEntry, ExplainedMessage } from './explained-entry.js';

/** An entry in words: one sentence, and below it what was offered, chosen or refused, a line each. */
export function describeEntry(entry: ExplainedEntry): { readonly what: string; readonly details: readonly string[] } {
  switch (entry.kind) {
    case 'message':
      return { what: describeMessage(entry), details: detailsOf(entry) };
    case 'retransmitted':
      return said(`${entry.exchange} request ${entry.id} sent again, attempt ${entry.attempt + 1}`);
    case 'answered-again':
      return said(`${entry.exchange} request ${entry.id} came again: same answer, ${entry.times} in all`);
    case 'nat-found':
      return said(describeNat(entry.weBehind, entry.peerBehind));
    case 'established':
      return said(
        'established',
        `keys: ${entry.keyExchange.join(' + ')}`,
        `us: ${entry.local}`,
        `peer: ${entry.remote}`,
      );
    case 'child-installed':
      return said(
        `Child SA ${entry.child} installed, SPI ${spi(entry.inboundSpi)} in, ${spi(entry.outboundSpi)} out`,
        `${entry.suite}, ${entry.mode} mode`,
        `here: ${entry.local.join(', ')}`,
        `there: ${entry.remote.join(', ')}`,
      );
    case 'child-taken-back':
      return said(`Child SA ${entry.child} granted and deleted again by the peer`);
    case 'child-refused':
      return said(`Child SA${entry.child === null ? '' : ` ${entry.child}`} refused`, entry.why);
    case 'reauthentication':
      return said(
        entry.step === 'begun' ? 'we authenticate anew' : 'only the peer can authenticate anew: it has no address here',
      );
    case 'reauthentication-demanded':
      return said(`the identity is to be proved anew within ${entry.withinSeconds} s`);
    case 'rekey-lost':
      return said(`our rekey of the ${entry.of === 'ike' ? 'IKE SA' : 'Child SA'} lost against the peer's`);
    case 'rekey-refused':
      return said('rekey of the IKE SA refused', entry.why);
    case 'took-over':
      return said('took over from the IKE SA before it');
    case 'path-changed':
      return said('path changed', `here: ${entry.local}`, `there: ${entry.remote}`);
    case 'sent-by-another-path':
      return said(`${entry.exchange} request ${entry.id} sent again, by another path`);
    case 'seen-elsewhere':
      return said('the peer sees us at another address than before');
    case 'path-refused':
      return said('the peer refused the addresses that we asked for', entry.why);
    case 'addresses-refused':
      return said(`the addresses of the peer refused with ${entry.notify}`, `it spoke from ${entry.from}`);
    case 'refused':
      return said('the peer was refused', entry.why);
    case 'failed':
      return said('failed', entry.why);
    case 'closed':
      return said('closed');
  }
}

function describeMessage({ exchange, response, id, payloads, roundTrip }: ExplainedMessage): string {
  const after = roundTrip === undefined ? '' : `, after ${formatMilliseconds(roundTrip)}`;
  return `${exchange} ${response ? 'response' : 'request'} ${id} { ${payloads.join(' ')} }${after}`.replace(
    '{  }',
    '{ }',
  );
}

function detailsOf(message: ExplainedMessage): readonly string[] {
  const { response, proposals, keyExchange, identities, authentication } = message;
  return [
    ...(proposals ?? []).map((line) => `${response ? 'chosen' : 'offered'} ${line}`),
    ...(keyExchange === undefined ? [] : [`key share: ${keyExchange}`]),
    ...(identities === undefined ? [] : [`identity: ${identities.join(', wants to speak with ')}`]),
    ...(authentication === undefined ? [] : [`proof: ${authentication}`]),
    ...(message.initiatorSelectors === undefined ? [] : [`TSi: ${message.initiatorSelectors.join(', ')}`]),
    ...(message.responderSelectors === undefined ? [] : [`TSr: ${message.responderSelectors.join(', ')}`]),
  ];
}

function describeNat(weBehind: boolean, peerBehind: boolean): string {
  if (weBehind && peerBehind) return 'NAT found in front of both ends';
  if (weBehind || peerBehind) return `NAT found in front of ${weBehind ? 'us' : 'the peer'}`;
  return 'no NAT between';
}

function said(
  what: string,
  ...details: readonly string[]
): { readonly what: string; readonly details: readonly string[] } {
  return { what, details };
}

function spi(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}

export function formatMilliseconds(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

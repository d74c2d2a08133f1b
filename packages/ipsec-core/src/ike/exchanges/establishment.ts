import { KE } from '../../wire/ike/iana.js';
import { lowerNonce } from '../child-sa.js';
import type { ChildConfiguration } from '../connection.js';
import type { IkeSa } from '../ike-sa.js';
import type { PostQuantumProtection } from '../outputs.js';
import { KEEPALIVE_INTERVAL, REDUNDANCY_DELAY } from '../timers.js';
import { requestChild } from './child-request.js';
import { closeIke } from './close.js';
import { jittered } from './lifetimes.js';
import { followNatPolicy } from './nat-policy.js';
import { watchPaths } from './path-watch.js';
import { limitAuthentication, takePlace } from './reauthentication.js';

/** Both identities are proved: the IKE SA stands, and the initiator asks for what IKE_AUTH has not `asked` for. */
export function establish(sa: IkeSa, now: number, asked?: ChildConfiguration): void {
  const { lineage, host } = sa;
  const { connection, timers } = lineage;
  if ('handshake' in sa.state) {
    const { initiatorNonce, responderNonce } = sa.state.handshake.inputs;
    lineage.lowestNonce = lowerNonce(initiatorNonce, responderNonce);
  }
  sa.state = { name: 'established' };
  sa.forgetHandshake();
  sa.timers.clear('half-open');
  lineage.establishedAt = now;
  lineage.mobility.verify(lineage.path);
  host.list(lineage);
  timers.set('rekey-ike', now + jittered(host, connection.lifetime));
  timers.set('liveness', now + connection.livenessInterval);
  if (lineage.nat.weBehind) timers.set('keepalive', now + KEEPALIVE_INTERVAL);
  watchPaths(lineage, now);
  const keyExchangeMethods = [sa.keys.suite.keyExchange, ...lineage.additionalKeyExchanges];
  const postQuantum = protectionOf(sa);
  const { localIdentity: local, remoteIdentity: remote } = connection;
  sa.note({ kind: 'established', keyExchangeMethods, postQuantum, local, remote }, now);
  lineage.tell({ kind: 'ike-established', connection: connection.name, keyExchangeMethods, postQuantum });
  if (host.established(connection).length > 1) timers.set('redundancy', now + REDUNDANCY_DELAY);
  if (lineage.unwanted) {
    closeIke(lineage, now);
    return;
  }
  limitAuthentication(lineage, now);
  const later = connection.children.filter(({ name }) => name !== asked?.name);
  if (sa.role === 'initiator') for (const child of later) requestChild(lineage, child, now);
  if (lineage.configured !== host.connections.generation) followNatPolicy(lineage, now);
  if (lineage.replaces !== undefined) takePlace(lineage, lineage.replaces, now);
  lineage.pump(now);
}

function protectionOf({ keys, lineage }: IkeSa): PostQuantumProtection {
  const methods = [keys.suite.keyExchange, ...lineage.additionalKeyExchanges];
  return [
    ...(methods.some((method) => KEMS.has(method)) ? ['kem' as const] : []),
    ...(lineage.ppk ? ['ppk' as const] : []),
  ];
}

const KEMS: ReadonlySet<number> = new Set([KE.ML_KEM_512, KE.ML_KEM_768, KE.ML_KEM_1024]);

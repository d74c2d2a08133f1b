import { EXCHANGE } from '../../wire/ike/iana.js';
import type { PathWatch } from '../connection.js';
import type { Lineage, Task } from '../lineage.js';
import { type Path, samePath } from '../path.js';
import { changePath } from './address-update.js';
import { ask } from './liveness.js';

/**
 * RFC 4555 section 3.10: "the initiator can use normal IKEv2 INFORMATIONAL request/response messages to test whether a certain
 * path works. Implementations MAY do path testing even if the path currently being used is working to, for example, detect when a
 * better (but previously unavailable) path becomes available." The path in use is asked in any case, so that silence on it is
 * noticed before there is a request that matters; what is not answered is repeated by the other paths, too, and an answer moves
 * the SAs to where it came by.
 */
export function watchPaths(lineage: Lineage, now: number): void {
  const { connection, mobility, path, timers } = lineage;
  const watch = connection.mobike?.watch;
  if (watch === undefined) return;
  timers.set('watch-paths', now + watch.interval);
  if (!lineage.watching || !lineage.idle || !lineage.standing) return;
  if (mobility.alternatives(path).length === 0) return;
  lineage.enqueue({ key: 'liveness', run: ask }, now);
  const better = mobility.trials.due(mobility.preferred(path), now);
  if (better !== undefined) lineage.enqueue({ key: 'path-trial', run: trial(lineage, better, watch) }, now);
}

/** Sent once by that path, and repeated by the one in use: which of them the answer comes by says whether that one works. */
function trial(lineage: Lineage, path: Path, watch: PathWatch): Task['run'] {
  return (sa, at) => {
    const { mobility } = lineage;
    if (!mobility.preferred(lineage.path).some((better) => samePath(better, path))) return;
    const onResponse = (_none: unknown, later: number) => {
      if (!samePath(sa.answerPath, path)) mobility.trials.missed(path, watch.interval, later);
      else if (mobility.trials.answered(path, watch.interval, later) >= watch.holdDown) {
        const still = mobility.preferred(lineage.path).some((better) => samePath(better, path));
        if (still) changePath(lineage, path, 'preferred_answers', later);
      }
    };
    const { INFORMATIONAL: exchange } = EXCHANGE;
    sa.request({ purpose: { kind: 'inform' }, exchange, payloads: [], via: path, onResponse }, at);
  };
}

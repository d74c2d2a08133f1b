import type { Bundle, Tunnel, UnderlayEndpoint } from '@weft/contracts/southbound';
import { RejectionError } from '../rejection.js';
import { integerWithin, limited, underlayAddress, unique } from './field.js';
import type { PathWatch, PlacedTunnel, UnderlayAddress, VerifiedBundle } from './verified-bundle.js';

/** What a bundle says of an edge with several uplinks beside the preferred one. Throws RejectionError. */
export function parseUplinks(
  { otherUnderlays, pathWatch }: Bundle,
  preferred: UnderlayAddress,
): Pick<VerifiedBundle, 'otherUnderlays' | 'pathWatch'> {
  const others = otherUnderlays && further('other_underlays', otherUnderlays.endpoints, preferred);
  if (others?.some(({ port }) => port !== preferred.port) === true) {
    throw new RejectionError('other_underlays', 'unexpected_value', 'all uplinks of an edge have one port');
  }
  return {
    ...(others === undefined ? {} : { otherUnderlays: others }),
    ...(pathWatch === undefined ? {} : { pathWatch: parsePathWatch('path_watch', pathWatch) }),
  };
}

/** Where else the peer of a tunnel is. Throws RejectionError. */
export function parseOtherRemotes(
  path: string,
  { otherRemotes }: Tunnel,
  preferred: UnderlayAddress,
): Pick<PlacedTunnel, 'otherRemotes'> {
  return otherRemotes === undefined
    ? {}
    : { otherRemotes: further(`${path}.other_remotes`, otherRemotes.endpoints, preferred) };
}

/** With other keying nobody tells the peer where packets come from; transport mode protects what is between two addresses alone. */
export function checkOtherRemotes(
  path: string,
  { otherRemotes, keying, external, profile }: Pick<PlacedTunnel, 'otherRemotes' | 'keying' | 'external' | 'profile'>,
): void {
  if (otherRemotes === undefined) return;
  if (keying.mode === 'ikev2' && external === undefined && profile.mode === 'tunnel') return;
  throw new RejectionError(
    `${path}.other_remotes`,
    'unexpected_value',
    'only between edges that negotiate, in tunnel mode, packets follow to another address',
  );
}

function further(
  path: string,
  endpoints: readonly UnderlayEndpoint[],
  preferred: UnderlayAddress,
): readonly UnderlayAddress[] {
  if (endpoints.length === 0) throw new RejectionError(path, 'missing_field', 'it is there, and has no endpoint');
  const seen = new Set([preferred.text]);
  return limited(path, endpoints, MAX_OTHERS).map((endpoint, index) => {
    const address = underlayAddress(`${path}.endpoints[${index}]`, endpoint, 'specified');
    unique(`${path}.endpoints[${index}].address`, address.text, seen);
    return address;
  });
}

function parsePathWatch(path: string, message: NonNullable<Bundle['pathWatch']>): PathWatch {
  const { probeIntervalMilliseconds, missedProbes, holdDownSeconds } = message;
  return {
    probeInterval: integerWithin(`${path}.probe_interval_milliseconds`, probeIntervalMilliseconds, 100, 60_000),
    missedProbes: integerWithin(`${path}.missed_probes`, missedProbes, 1, 100),
    holdDown: 1000 * integerWithin(`${path}.hold_down_seconds`, holdDownSeconds, 0, 86_400),
  };
}

/** As many as IKE tells its peer of (RFC 4555 section 3.4), less one. */
const MAX_OTHERS = 7;

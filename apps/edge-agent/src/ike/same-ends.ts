import { type Connection, type Endpoint, type PeerPlace, sameIdentity } from '@weft/ipsec-core/ike';

type Ends = Pick<Connection, 'local' | 'remote' | 'localIdentity' | 'remoteIdentity'>;

/**
 * Whether two connections are between the same ends at the same places: what stands of the one is then the other's too, and goes
 * on. What one peer has proved is nothing that another may go on with, wherever that is (RFC 4301 section 4.4.3: the PAD is looked up by
 * identity).
 */
export function isBetweenTheSame(one: Ends, other: Ends): boolean {
  return (
    sameIdentity(one.localIdentity, other.localIdentity) &&
    sameIdentity(one.remoteIdentity, other.remoteIdentity) &&
    sameEndpoint(one.local, other.local) &&
    samePlace(one.remote, other.remote)
  );
}

function samePlace(left: PeerPlace, right: PeerPlace): boolean {
  if (left.kind === 'anywhere' || right.kind === 'anywhere') return left.kind === right.kind;
  return left.kind === right.kind && sameEndpoint(left.endpoint, right.endpoint);
}

function sameEndpoint(left: Endpoint, right: Endpoint): boolean {
  return left.port === right.port && Buffer.compare(left.address, right.address) === 0;
}

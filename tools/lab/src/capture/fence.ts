/**
 * A fence is a datagram that the controller's namespace sends to the router. Links keep order and the capture reads in
 * order, so once the fence with this id has been read, everything before it has been counted: no waiting for a while.
 */
export const FENCE_PREFIX = 'weft-lab-fence:';

/** The discard service (RFC 863): nobody listens, nobody answers but ICMP. */
export const DISCARD_PORT = 9;

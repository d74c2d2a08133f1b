/** Why an ID Token is not taken. */
export type TokenFault =
  /** No JWS compact serialization of a JSON object, or too long. */
  | 'malformed'
  /** An extension that must be understood (`crit`), and none is. */
  | 'critical_header'
  /** "none", something with a shared secret, or not what the provider says it signs with. */
  | 'algorithm'
  /** No key of the provider, or several, could have signed it. */
  | 'key'
  | 'signature'
  /** A claim that must be there is not, or is of another type. */
  | 'claims'
  | 'issuer'
  | 'audience'
  | 'expired'
  /** `iat` or `nbf` is in the future: one of the clocks is wrong. */
  | 'not_yet_valid'
  /** Issued before this login can have begun. */
  | 'stale'
  | 'nonce';

/** An ID Token that is not taken. The message is for the log; it has nothing of the token but what a reader must compare. */
export class TokenRefusal extends Error {
  override readonly name = 'TokenRefusal';

  constructor(
    readonly fault: TokenFault,
    detail: string,
  ) {
    super(detail);
  }
}

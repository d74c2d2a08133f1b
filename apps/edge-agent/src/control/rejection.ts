import type { Rejection } from '@weft/contracts/southbound';

/** Every rule for which a bundle or a security association command can be refused. The names are part of the API. */
export type RejectionRule =
  // the envelope
  | 'missing_field'
  | 'malformed'
  | 'too_large'
  | 'not_canonical'
  | 'signature_missing'
  | 'unknown_signing_key'
  | 'bad_signature'
  | 'content_hash_mismatch'
  | 'wrong_tenant'
  | 'wrong_edge'
  | 'stale_epoch'
  | 'stale_generation'
  | 'mass_removal'
  | 'missing_secret'
  | 'bad_certificate'
  // the content
  | 'too_many'
  | 'too_few'
  | 'out_of_range'
  | 'bad_identifier'
  | 'duplicate'
  | 'unknown_tunnel'
  | 'unexpected_value'
  | 'unsupported_value'
  | 'bad_address'
  | 'bad_prefix'
  | 'mixed_families'
  | 'reversed_range'
  | 'ports_without_protocol'
  | 'policy_refused'
  // the installation
  | 'underlay_unusable'
  | 'installation_failed'
  | 'self_test_failed'
  | 'not_stored'
  | 'cut_off'
  // security association commands
  | 'no_bundle'
  | 'keying_mode_mismatch'
  | 'profile_mismatch'
  | 'peer_mismatch'
  | 'bad_key_length'
  | 'association_refused';

/** Something from the controller was refused; what ran before keeps running. */
export class RejectionError extends Error {
  override readonly name = 'RejectionError';
  readonly path: string;
  readonly rule: RejectionRule;
  readonly reason: string;

  /**
   * @param path field at fault, as in `security_policies[3].tunnel_id`; empty for the whole
   * @param reason one sentence for the operator, without secrets
   */
  constructor(path: string, rule: RejectionRule, reason: string, options?: ErrorOptions) {
    super(path === '' ? `${rule}: ${reason}` : `${path}: ${rule}: ${reason}`, options);
    this.path = path;
    this.rule = rule;
    this.reason = reason;
  }

  /** As it goes to the controller. */
  toMessage(): Rejection {
    return { path: this.path, rule: this.rule, reason: this.reason };
  }
}

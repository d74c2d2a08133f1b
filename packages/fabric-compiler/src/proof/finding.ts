import type { Packet } from './packet.js';

/** Something that keeps a revision from being published. */
export interface Finding {
  readonly kind: FindingKind;
  /** What is wrong, with a packet that shows it where there is one. */
  readonly detail: string;
  /** What to do about it, one sentence. */
  readonly fix: string;
  /** Edges that are concerned, the one that misbehaves first. */
  readonly edgeIds: readonly string[];
  /** The policy line that is concerned: the rule that should have decided, or that cannot. */
  readonly ruleId: string | undefined;
  readonly counterexample: Packet | undefined;
}

export type FindingKind =
  /** A packet that a rule allows is discarded by an edge. */
  | 'allowed_is_discarded'
  /** A packet that no rule allows, or one forbids, is protected. */
  | 'denied_is_protected'
  /** A packet may leave without protection: by an SPD entry, or by a route that is missing. */
  | 'cleartext'
  /** A packet is protected with another profile than the rule asks for. */
  | 'wrong_profile'
  /** A packet that a policy asks confidentiality for is authenticated only. */
  | 'not_confidential'
  /** Transport mode is to carry what does not go between the underlay addresses of the two ends. */
  | 'transport_beyond_hosts'
  /** An SPD entry is about addresses that are neither behind the edge nor relayed by it. */
  | 'foreign_local'
  /** Earlier rules decide every packet of a rule. */
  | 'shadowed_rule'
  /** A rule allows what no tunnel carries. */
  | 'black_hole'
  | 'routing_loop'
  /** An edge sends packets of its own site into the fabric, or those of nobody. */
  | 'wrong_route'
  /** Two peers of an edge carry the same addresses. */
  | 'ambiguous_peer'
  /** One end has the tunnel, the other has not. */
  | 'one_sided_peer'
  /** A site with several edges, of which not each does what the others would do in its place. */
  | 'unequal_alternatives'
  /** The bundle that an edge would be given is not the one that was proven. */
  | 'delivered_differs'
  /** What the bundle says of the edge itself, or of a peer, is not what the intent says. */
  | 'wrong_endpoint'
  | 'no_proposal_chosen'
  | 'ts_unacceptable'
  | 'authentication_failed'
  /** An order of steps in which a protected flow would be cut or uncovered. */
  | 'unsafe_transition'
  | 'policy_test_failed';

import { readFileSync } from 'node:fs';
import { type AssociationPath, DROP_REASONS, ENTRY_DROP_REASONS, UNPROTECTED_ICMP_OUTCOMES } from '@weft/ipsec-core';
import type { Refusal } from '@weft/ipsec-core/blind';
import type { FailureReason, IkeDropReason, PathChangeCause } from '@weft/ipsec-core/ike';
import { describe, expect, it } from 'vitest';
import type { RejectionRule } from '../control/rejection.js';
import { IO_DROP_REASONS } from '../dataplane/io-counters.js';
import { UNDERLAY_ERROR_REASONS } from '../dataplane/underlay-error-reason.js';
import { EVENT_KINDS } from '../events/edge-event.js';
import type { IkeHostDropReason } from '../ike/ike-host.js';
import { METRICS } from './metric-table.js';

const text = readFileSync(new URL('../../../../docs/operations.md', import.meta.url), 'utf8');

/** Names of a closed union: the compiler sees to it that none is missing and none too many. */
const names = (all: Readonly<Record<string, true>>) => Object.keys(all);

const CAUSES = names({
  peer_silent: true,
  peer_crashed: true,
  out_of_step: true,
  rekey_refused: true,
  ppk_required: true,
  childless_required: true,
  authentication_expired: true,
  peer_refused: true,
  no_proposal_chosen: true,
  invalid_message: true,
  invalid_key_exchange: true,
  authentication_failed: true,
  ts_unacceptable: true,
  rekey_narrowed: true,
  signing_failed: true,
  single_pair_required: true,
  no_address: true,
  configuration_required: true,
  transport_declined: true,
  transport_behind_nat: true,
  local_address_gone: true,
  addresses_refused: true,
  nat_detected: true,
} satisfies Record<FailureReason['code'], true>);

const PATH_CHANGES = names({
  path_silent: true,
  preferred_answers: true,
  own_addresses: true,
  peer_moved: true,
  path_refused: true,
} satisfies Record<PathChangeCause, true>);

const REFUSALS = names({
  malformed: true,
  other_version: true,
  other_fabric: true,
  other_tunnel: true,
  other_edges: true,
  wrong_role: true,
  superseded_epoch: true,
  other_suite: true,
  replayed: true,
  other_offer: true,
  already_taken: true,
  not_authentic: true,
  bad_share: true,
  bad_confirmation: true,
} satisfies Record<Refusal['code'], true>);

const IKE_DROPS = names({
  malformed: true,
  unknown_spi: true,
  not_authentic: true,
  outside_window: true,
  premature: true,
  rule_violation: true,
  half_open_limit: true,
  busy: true,
  refused_init: true,
  cookie_required: true,
  init_changed: true,
  overloaded: true,
  not_sent: true,
  too_large: true,
  engine_fault: true,
  not_awaited: true,
  before_first_bundle: true,
} satisfies Record<IkeDropReason | IkeHostDropReason | 'before_first_bundle', true>);

const SOURCES = names({ configured: true, icmp: true, probe: true } satisfies Record<AssociationPath['source'], true>);

/** What can be refused by which rule. */
const RULES: Readonly<Record<RejectionRule, 'bundle' | 'storage' | 'command'>> = {
  missing_field: 'bundle',
  malformed: 'bundle',
  too_large: 'bundle',
  not_canonical: 'bundle',
  signature_missing: 'bundle',
  unknown_signing_key: 'bundle',
  bad_signature: 'bundle',
  content_hash_mismatch: 'bundle',
  wrong_tenant: 'bundle',
  wrong_edge: 'bundle',
  stale_epoch: 'bundle',
  stale_generation: 'bundle',
  mass_removal: 'bundle',
  missing_secret: 'bundle',
  bad_certificate: 'bundle',
  too_many: 'bundle',
  too_few: 'bundle',
  out_of_range: 'bundle',
  bad_identifier: 'bundle',
  duplicate: 'bundle',
  unknown_tunnel: 'bundle',
  unexpected_value: 'bundle',
  unsupported_value: 'bundle',
  bad_address: 'bundle',
  bad_prefix: 'bundle',
  mixed_families: 'bundle',
  reversed_range: 'bundle',
  ports_without_protocol: 'bundle',
  policy_refused: 'bundle',
  underlay_unusable: 'bundle',
  installation_failed: 'bundle',
  self_test_failed: 'bundle',
  not_stored: 'storage',
  cut_off: 'bundle',
  no_bundle: 'command',
  keying_mode_mismatch: 'command',
  profile_mismatch: 'command',
  peer_mismatch: 'command',
  bad_key_length: 'command',
  association_refused: 'command',
};

/** Every metric that has a label with a closed list of values, as METRICS has them; of two the values are the drop reasons. */
const VALUES: Readonly<Record<string, { readonly label: string; readonly values: readonly string[] }>> = {
  weft_edge_tunnel_dropped_packets_total: { label: 'reason', values: [] },
  weft_edge_ike_failures_total: { label: 'cause', values: CAUSES },
  weft_edge_ike_path_changes_total: { label: 'cause', values: PATH_CHANGES },
  weft_edge_key_share_refusals_total: { label: 'reason', values: REFUSALS },
  weft_edge_policy_dropped_packets_total: { label: 'reason', values: ENTRY_DROP_REASONS },
  weft_edge_dropped_packets_total: { label: 'reason', values: [] },
  weft_edge_underlay_errors_total: { label: 'reason', values: UNDERLAY_ERROR_REASONS },
  weft_edge_path_mtu_messages_total: { label: 'outcome', values: UNPROTECTED_ICMP_OUTCOMES },
};

/** Labels that name something: as many as there are of that. */
const NAMING = new Set(['version', 'edge', 'tunnel', 'peer', 'entry', 'rule', 'worker', 'address']);

const block = (name: string) => new RegExp(`<!-- ${name} -->([\\s\\S]*?)<!-- end -->`).exec(text)?.[1] ?? '';
const quoted = (of: string) => [...of.matchAll(/`([a-z_0-9]+)`/g)].map(([, name = '']) => name);
const rowsOf = (name: string) =>
  block(name)
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')));

describe('docs/operations.md', () => {
  it('lists the values of every label that has a closed list of them', () => {
    const closed = METRICS.flatMap(({ name, labels }) =>
      labels.filter((label) => !NAMING.has(label)).map((label) => [name, label]),
    );
    expect(closed).toEqual(Object.entries(VALUES).map(([name, { label }]) => [name, label]));
    const listed = rowsOf('label values').map(([metric = '', label = '', values = '']) => ({
      metric: quoted(metric)[0],
      label: quoted(label)[0],
      values: quoted(values).sort(),
    }));
    const expected = Object.entries(VALUES).map(([metric, { label, values }]) => ({
      metric,
      label,
      values: [...values].sort(),
    }));
    expect(listed).toEqual(expected);
  });

  it('lists the reasons for which anything is discarded', () => {
    const ike = IKE_DROPS.map((reason) => `ike_${reason}`);
    expect(quoted(block('drop reasons')).sort()).toEqual(
      [...DROP_REASONS, ...IO_DROP_REASONS, ...ike, 'key_share_unknown_tunnel'].sort(),
    );
  });

  it('lists every event, and the causes that are no causes of IKE', () => {
    const events = rowsOf('events').map(([kind = '', , cause = '']) => [quoted(kind)[0], quoted(cause)] as const);
    expect(events.map(([kind]) => kind)).toEqual(EVENT_KINDS);
    const causes = new Map(events);
    expect(causes.get('path_mtu_changed')).toEqual(SOURCES);
    expect([...(causes.get('path_changed') ?? [])].sort()).toEqual([...PATH_CHANGES].sort());
    expect(causes.get('bundle_taken_back')).toEqual(['cut_off']);
    expect(causes.get('storage_failed')).toEqual(['not_stored', 'not_confirmed', 'not_taken_back']);
    expect(causes.get('ike_failed')).toEqual(['weft_edge_ike_failures_total']);
    const bundles = Object.entries(RULES).filter(([, of]) => of === 'bundle');
    expect(quoted(block('bundle rules')).sort()).toEqual(bundles.map(([rule]) => rule).sort());
  });
});

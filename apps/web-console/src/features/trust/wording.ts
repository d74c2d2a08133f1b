import type { TrustDependent, TrustedItem } from '../../api/index.js';
import { plural } from '../../lib/format-quantity.js';
import type { Tone } from '../../ui/StateMark.js';

export const KIND_LABELS: Readonly<Record<TrustedItem['kind'], { readonly name: string; readonly purpose: string }>> = {
  root: { name: 'Root', purpose: 'What controllers and edges know each other by' },
  previous_root: { name: 'Root before', purpose: 'Trusted beside the root until it is retired' },
  intermediate: { name: 'Intermediate', purpose: 'Issues the certificates of edges' },
  above_intermediate: { name: 'Above the intermediate', purpose: 'Leads from the intermediate to the root' },
  server: { name: 'Server certificate', purpose: 'What this controller shows to edges; it renews it by itself' },
  revocation_list: {
    name: 'Revocation list',
    purpose: 'For gateways that are no edges; made anew when it is asked for',
  },
  signing_key: { name: 'Bundle-signing key', purpose: 'What edges take bundles by' },
};

export const REASON_LABELS: Readonly<Record<TrustDependent['reason'], string>> = {
  certificate: 'has a certificate under it',
  trust: 'has not said that it trusts the next one',
};

export const CONDITION_LABELS: Readonly<Record<TrustedItem['condition'], string>> = {
  valid: 'Valid',
  expiring: 'Replace it now',
  expired: 'Expired',
};

export const CONDITION_TONES: Readonly<Record<TrustedItem['condition'], Tone>> = {
  valid: 'up',
  expiring: 'warning',
  expired: 'down',
};

/** What has to be done before it hurts, the most urgent first. */
export function endingOf(items: readonly TrustedItem[]): readonly TrustedItem[] {
  return items
    .filter(({ condition }) => condition !== 'valid')
    .toSorted((left, right) => (left.daysLeft ?? 0) - (right.daysLeft ?? 0));
}

/** When one of them ends, in a sentence. */
export function endText({ kind, condition, daysLeft }: TrustedItem): string {
  const { name } = KIND_LABELS[kind];
  if (condition === 'expired') return `${name}: expired.`;
  const left = daysLeft === null || daysLeft === 0 ? 'less than a day' : plural(daysLeft, 'day');
  return `${name}: ends in ${left}.`;
}

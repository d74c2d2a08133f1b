import type { Bundle, Hello } from '@weft/contracts/southbound';
import { type BundleContent, contentOfBundle } from './bundle-content.js';
import { hasTunnelsByAddress, namesUplinks, withoutUplinks, withTunnelsNamed } from './bundle-forms.js';
import type { DesiredBundle, EdgeAssignment } from './edge-assignment.js';

/** What an agent takes of what not every agent does. */
export interface AgentTakes {
  readonly severalUplinks: boolean;
  readonly tunnelsByAddress: boolean;
}

/** Of an agent that was never heard of: it is new, or it was updated. */
export const TAKES_EVERYTHING: AgentTakes = { severalUplinks: true, tunnelsByAddress: true };

export function takenBy({ severalUplinks, tunnelsByAddress }: Hello): AgentTakes {
  return { severalUplinks: severalUplinks === true, tunnelsByAddress: tunnelsByAddress === true };
}

/**
 * What an edge should run, as its agent takes it: one that has never heard of a field could not encode a bundle that has it again as it
 * came, and would refuse it. It gets the same without, under the same generation and its own hash; when another agent comes that takes
 * it, that is other content, and gets a higher generation.
 */
export function takenByAgent(assignment: EdgeAssignment, takes: AgentTakes): EdgeAssignment {
  const { desired } = assignment;
  const forms = [
    ...(!takes.severalUplinks && namesUplinks(desired.bundle) ? [withoutUplinks] : []),
    ...(!takes.tunnelsByAddress && hasTunnelsByAddress(desired.bundle) ? [withTunnelsNamed] : []),
  ];
  return forms.length === 0 ? assignment : { ...assignment, desired: inForm(desired, forms) };
}

type Form = (bundle: Bundle) => Bundle;

function inForm({ revision, generation, hash, bundle }: DesiredBundle, forms: readonly Form[]): DesiredBundle {
  const ofBundle = known.get(bundle) ?? new Map<string, BundleContent & { readonly bundle: Bundle }>();
  known.set(bundle, ofBundle);
  const key = forms.map(({ name }) => name).join();
  const made = ofBundle.get(key) ?? formed(bundle, forms);
  ofBundle.set(key, made);
  return { revision, generation, storedHash: hash, ...made };
}

function formed(bundle: Bundle, forms: readonly Form[]): BundleContent & { readonly bundle: Bundle } {
  const made = forms.reduce((before, form) => form(before), bundle);
  return { ...contentOfBundle(made), bundle: made };
}

/** Who runs what is asked often. */
const known = new WeakMap<Bundle, Map<string, BundleContent & { readonly bundle: Bundle }>>();

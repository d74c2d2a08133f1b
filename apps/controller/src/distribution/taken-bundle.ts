import type { Bundle } from '@weft/contracts/southbound';
import { type BundleContent, decodeBundle, withoutUplinks } from './bundle-content.js';
import type { DesiredBundle, EdgeAssignment } from './edge-assignment.js';

/**
 * What an edge should run, as its agent takes it: one that has never heard of several uplinks could not encode a bundle that names them
 * again as it came, and would refuse it. It gets the same without them, under the same generation and its own hash; when another agent
 * comes that takes them, that is other content, and gets a higher generation.
 */
export function takenByAgent(assignment: EdgeAssignment, severalUplinks: boolean): EdgeAssignment {
  if (severalUplinks || !namesUplinks(assignment.desired.bundle)) return assignment;
  return { ...assignment, desired: singlePath(assignment.desired) };
}

/** The hash of what an agent is given that does not take several uplinks; undefined: it is given the content itself. */
export function singlePathHash({ octets }: BundleContent): Buffer | undefined {
  const bundle = decodeBundle(octets);
  return namesUplinks(bundle) ? withoutUplinks(bundle).hash : undefined;
}

function namesUplinks({ otherUnderlays, pathWatch, tunnels }: Bundle): boolean {
  const own = otherUnderlays !== undefined || pathWatch !== undefined;
  return own || tunnels.some(({ otherRemotes }) => otherRemotes !== undefined);
}

function singlePath({ revision, generation, bundle }: DesiredBundle): DesiredBundle {
  const made = known.get(bundle) ?? withoutUplinks(bundle);
  known.set(bundle, made);
  return { revision, generation, ...made };
}

/** Who runs what is asked often. */
const known = new WeakMap<Bundle, ReturnType<typeof withoutUplinks>>();

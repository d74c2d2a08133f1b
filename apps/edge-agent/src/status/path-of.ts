import type { AssociationPath } from '@weft/ipsec-core';
import type { DataPlaneSnapshot } from '../dataplane/messages.js';

/** What the path of the association that a tunnel sends on carries; undefined: none, or that is not known. Pure. */
export function pathOf(
  { associations }: Pick<DataPlaneSnapshot, 'associations'>,
  tunnelId: string,
): AssociationPath | undefined {
  return associations.findLast((one) => one.tunnelId === tunnelId && one.direction === 'outbound' && one.current)?.path;
}

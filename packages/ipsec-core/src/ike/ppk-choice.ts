import type { Connection, Ppk, PpkConfiguration, PpkMixing } from './connection.js';

/** In order of preference: IKE_INTERMEDIATE before IKE_AUTH, as it protects more. */
export const MIXINGS = ['ike-intermediate', 'ike-auth'] as const satisfies readonly PpkMixing[];

/** Every way in which some of the connections would have a PPK mixed in. */
export function mixingsOf(connections: readonly Pick<Connection, 'ppk'>[]): ReadonlySet<PpkMixing> {
  return new Set(MIXINGS.filter((mixing) => connections.some(({ ppk }) => ppk !== undefined && allows(ppk, mixing))));
}

/** RFC 8784 section 5.1: one octet of type, then the identity. */
export function encodeId({ id }: Ppk): Uint8Array {
  return Uint8Array.of(PPK_ID_TYPE[id.type], ...id.data);
}

function allows({ mixing }: PpkConfiguration, wanted: PpkMixing): boolean {
  return mixing === undefined || mixing === wanted;
}

const PPK_ID_TYPE = { opaque: 1, fixed: 2 } as const;

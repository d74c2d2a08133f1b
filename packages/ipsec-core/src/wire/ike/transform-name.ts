import { ENCR, INTEG, KE, nameOf, PRF, SN, TRANSFORM_TYPE } from './iana.js';
import type { Transform } from './payloads/sa.js';

/** For people, with the registry's names: `AES_GCM_16/256`. Its type is not part of it. */
export function transformName({ type, id, keyLength }: Transform): string {
  // 0 is "none" in every type but SN, also in those whose registry reserves it: what a proposal does not list counts as it.
  if (id === 0 && type !== TRANSFORM_TYPE.SN) return 'NONE';
  const size = keyLength === undefined ? '' : `/${keyLength}`;
  return `${nameOf(idsOf(type), id)}${size}`;
}

/** `ENCR`, `KE`, `ADDKE1` …, or `unknown(n)`. */
export function transformTypeName(type: number): string {
  return nameOf(TRANSFORM_TYPE, type);
}

/** A proposal on one line, the alternatives of a type joined: `ENCR AES_GCM_16/256|AES_GCM_16/128, PRF HMAC_SHA2_384`. */
export function describeTransforms(transforms: readonly Transform[]): string {
  const types = [...new Set(transforms.map(({ type }) => type))];
  return types
    .map((type) => {
      const names = transforms.filter((entry) => entry.type === type).map(transformName);
      return `${transformTypeName(type)} ${names.join('|')}`;
    })
    .join(', ');
}

function idsOf(type: number): Readonly<Record<string, number>> {
  if (type >= TRANSFORM_TYPE.ADDKE1 && type <= TRANSFORM_TYPE.ADDKE7) return KE;
  return IDS.get(type) ?? {};
}

const IDS: ReadonlyMap<number, Readonly<Record<string, number>>> = new Map<number, Readonly<Record<string, number>>>([
  [TRANSFORM_TYPE.ENCR, ENCR],
  [TRANSFORM_TYPE.PRF, PRF],
  [TRANSFORM_TYPE.INTEG, INTEG],
  [TRANSFORM_TYPE.KE, KE],
  [TRANSFORM_TYPE.SN, SN],
]);

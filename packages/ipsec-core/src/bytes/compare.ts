/** Whether two runs of octets are equal, in time that depends on `length` only. */
export function equalConstantTime(
  left: Uint8Array,
  leftOffset: number,
  right: Uint8Array,
  rightOffset: number,
  length: number,
): boolean {
  if (leftOffset + length > left.length || rightOffset + length > right.length) return false;
  let difference = 0;
  for (let i = 0; i < length; i++) difference |= (left[leftOffset + i] ?? 0) ^ (right[rightOffset + i] ?? 0);
  return difference === 0;
}

/** Whether two values of JSON are equal. What is shared is not looked into. */
export function sameValue(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left)) {
    if (!Array.isArray(right) || left.length !== right.length) return false;
    for (let index = 0; index < left.length; index += 1) if (!sameValue(left[index], right[index])) return false;
    return true;
  }
  if (Array.isArray(right)) return false;
  const names = definedNames(left);
  if (names.length !== definedNames(right).length) return false;
  const other: Readonly<Record<string, unknown>> = { ...right };
  return names.every((name) => sameValue(Reflect.get(left, name), other[name]));
}

/** Whether two lists have the same items, each the very one. */
export function sameList<Item>(one: readonly Item[], other: readonly Item[]): boolean {
  return one.length === other.length && one.every((item, index) => item === other[index]);
}

/** A field that is undefined is as good as absent. */
function definedNames(value: object): string[] {
  return Object.keys(value).filter((name) => Reflect.get(value, name) !== undefined);
}

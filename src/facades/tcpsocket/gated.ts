/** Objects whose members are there only as long as they may be used. */

/**
 * An object like `members`, of which those are not there that `isThere` denies at the moment: not for `in`, nor `typeof`, nor
 * when they are listed. Nobody can change it.
 */
export function gated<T extends object>(
  members: T,
  isThere: (name: keyof T & string) => boolean,
): Partial<T> {
  // Members can be hidden from a proxy's user only while its target might lose them.
  const target = { ...members };
  const has = (key: string | symbol): boolean =>
    typeof key === 'string' && Object.hasOwn(target, key) && isThere(key as keyof T & string);
  return new Proxy<Partial<T>>(target, {
    has: (_, key) => has(key) || (!Object.hasOwn(target, key) && key in target),
    get: (_, key) =>
      has(key) || !Object.hasOwn(target, key) ? (Reflect.get(target, key) as unknown) : undefined,
    getOwnPropertyDescriptor: (_, key) =>
      has(key) ? Reflect.getOwnPropertyDescriptor(target, key) : undefined,
    ownKeys: () => Reflect.ownKeys(target).filter(has),
    set: () => false,
    defineProperty: () => false,
    deleteProperty: () => false,
    preventExtensions: () => false,
    setPrototypeOf: () => false,
  });
}

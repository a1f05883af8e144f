/** A permission that cannot be read. Whoever meets one grants nothing. */
export class PermissionSyntaxError extends Error {
  /** Where in the manifest, or in the list, the fault is: `['sockets', 'tcp', 'connect', 1]`. */
  readonly path: readonly (string | number)[];

  constructor(message: string, path: readonly (string | number)[] = []) {
    super(message);
    this.path = path;
  }
}
Object.defineProperty(PermissionSyntaxError.prototype, 'name', {
  value: 'PermissionSyntaxError',
  configurable: true,
});

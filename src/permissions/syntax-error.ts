/** A permission that cannot be read. Whoever meets one grants nothing. */
export class PermissionSyntaxError extends Error {
  /** Where in the manifest, or in the list, the fault is: `['sockets', 'tcp', 'connect', 1]`. */
  readonly path: readonly (string | number)[];
  /** The text that cannot be read, where it is one. */
  readonly text: string | undefined;
  /** Where in `text` the fault begins, from 0. */
  readonly offset: number | undefined;

  constructor(
    message: string,
    path: readonly (string | number)[] = [],
    place: { readonly text?: string | undefined; readonly offset?: number | undefined } = {},
  ) {
    super(message);
    this.path = path;
    this.text = place.text;
    this.offset = place.offset;
  }
}
Object.defineProperty(PermissionSyntaxError.prototype, 'name', {
  value: 'PermissionSyntaxError',
  configurable: true,
});

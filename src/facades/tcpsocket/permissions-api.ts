/** `browser.permissions`, as WebExtensions have it, for the permissions of sockets. */
import type { PermissionHost } from './host.ts';

export interface Permissions {
  readonly permissions?: readonly string[] | undefined;
  /** Of hosts in a browser: none are known here, so that it must be empty. */
  readonly origins?: readonly string[] | undefined;
}

export interface PermissionsEvent {
  addListener(listener: (permissions: Permissions) => void): void;
  removeListener(listener: (permissions: Permissions) => void): void;
  hasListener(listener: (permissions: Permissions) => void): boolean;
}

export interface PermissionsApi {
  /** Whether all are held, be it by broader ones. */
  contains(permissions: Permissions): Promise<boolean>;
  /** All that are held. */
  getAll(): Promise<Required<Permissions>>;
  /**
   * Asks the user, unless all are held already.
   *
   * @returns whether all are held now. Rejects if one is not among the manifest's
   */
  request(permissions: Permissions): Promise<boolean>;
  /**
   * Gives permissions back. Open sockets stay open.
   *
   * @returns whether none of them is held any more. Rejects if the manifest demands one
   */
  remove(permissions: Permissions): Promise<boolean>;
  readonly onAdded: PermissionsEvent;
  readonly onRemoved: PermissionsEvent;
}

function readList(value: unknown, name: string): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.some((item) => typeof item !== 'string'))
    throw new TypeError(`${name} must be a list of strings`);
  return [...(value as readonly string[])];
}

/** @throws {TypeError} it is none */
function readPermissions(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) throw new TypeError('permissions must be an object');
  const { permissions, origins } = value as Permissions;
  if (readList(origins, 'origins').length > 0)
    throw new TypeError('origins: only permissions of sockets can be asked for');
  return readList(permissions, 'permissions');
}

class Event implements PermissionsEvent {
  readonly #listeners = new Set<(permissions: Permissions) => void>();

  addListener(listener: (permissions: Permissions) => void): void {
    if (typeof listener !== 'function') throw new TypeError('listener must be a function');
    this.#listeners.add(listener);
  }

  removeListener(listener: (permissions: Permissions) => void): void {
    this.#listeners.delete(listener);
  }

  hasListener(listener: (permissions: Permissions) => void): boolean {
    return this.#listeners.has(listener);
  }

  tell(permissions: readonly string[], report: (error: unknown) => void): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener({ permissions: [...permissions], origins: [] });
      } catch (error) {
        report(error);
      }
    }
  }
}

export function createPermissionsApi(host: PermissionHost, report: (error: unknown) => void): PermissionsApi {
  const added = new Event();
  const removed = new Event();
  host.onAdded((permissions) => {
    added.tell(permissions, report);
  });
  host.onRemoved((permissions) => {
    removed.tell(permissions, report);
  });
  /* eslint-disable @typescript-eslint/require-await -- what they throw is a rejection */
  return {
    contains: async (permissions) => host.contains(readPermissions(permissions)),
    getAll: async () => ({ permissions: host.getAll(), origins: [] }),
    request: async (permissions) => host.request(readPermissions(permissions)),
    remove: async (permissions) => host.remove(readPermissions(permissions)),
    onAdded: added,
    onRemoved: removed,
  };
  /* eslint-enable @typescript-eslint/require-await */
}

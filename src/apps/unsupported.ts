/** Finds what a manifest asks for and Portside does not have, so that it is said once and not found out by a crash. */
import type { JsonPath } from './json-text.ts';

interface Unsupported {
  readonly path: JsonPath;
  readonly reason: string;
}

/** Keys that change what an app can do. Other unknown keys (icons, description …) are no loss and are not named. */
const UNSUPPORTED_KEYS: readonly Unsupported[] = [
  {
    path: ['app', 'background', 'page'],
    reason: 'ignored: a background page needs a document, which Portside has not',
  },
  {
    path: ['app', 'background', 'persistent'],
    reason: 'ignored: background scripts run until portside is stopped',
  },
  {
    path: ['background'],
    reason: "ignored: extensions have it, an app's scripts are in app.background.scripts",
  },
  { path: ['bluetooth'], reason: 'ignored: Portside has no chrome.bluetooth' },
  { path: ['optional_permissions'], reason: 'ignored: nothing can be asked for while the app runs' },
  { path: ['sandbox'], reason: 'ignored: Portside has no pages' },
  { path: ['sockets', 'udp'], reason: 'ignored: Portside has no chrome.sockets.udp yet' },
  { path: ['usb_printers'], reason: 'ignored: Portside has no chrome.printerProvider' },
];

/** Permissions that grant no API: there is nothing to miss. */
const HARMLESS_PERMISSIONS: ReadonlySet<unknown> = new Set(['background', 'unlimitedStorage']);

function valueAt(value: unknown, path: JsonPath): unknown {
  return path.reduce<unknown>(
    (inner, step) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, step)
        ? (inner as Record<string | number, unknown>)[step]
        : undefined,
    value,
  );
}

/** What an entry of `permissions` is called: `storage`, or `socket` of `{"socket": […]}`. */
function permissionName(entry: unknown): string {
  if (typeof entry === 'string') return entry;
  return typeof entry === 'object' && entry !== null ? Object.keys(entry).join(', ') : JSON.stringify(entry);
}

function unsupportedPermissions(permissions: unknown): Unsupported[] {
  if (!Array.isArray(permissions)) return [];
  return permissions.flatMap((entry: unknown, index) => {
    if (HARMLESS_PERMISSIONS.has(entry)) return [];
    const name = permissionName(entry);
    const isOldSocket = name === 'socket';
    const reason = isOldSocket
      ? 'Portside has no chrome.socket yet, only chrome.sockets'
      : 'Portside has no such API';
    return [{ path: ['permissions', index], reason: `'${name}' ignored: ${reason}` }];
  });
}

/** One row for each thing that is asked for and not there. */
export function findUnsupported(manifest: Readonly<Record<string, unknown>>): Unsupported[] {
  const keys = UNSUPPORTED_KEYS.filter(({ path }) => valueAt(manifest, path) !== undefined);
  const missing =
    valueAt(manifest, ['sockets']) === undefined
      ? [{ path: ['sockets'], reason: 'is missing, so the app has no chrome.sockets' }]
      : [];
  return [...missing, ...keys, ...unsupportedPermissions(valueAt(manifest, ['permissions']))];
}

/** Finds what a manifest asks for and Portside does not have, so that it is said once and not found out by a crash. */
import { isSocketPermission } from '../permissions/webextension-dialect.ts';
import type { JsonPath } from './json-text.ts';

interface Unsupported {
  readonly path: JsonPath;
  readonly reason: string;
}

/** Keys that change what an app can do. Other unknown keys (icons, description …) are no loss and are not named. */
const APP_KEYS: readonly Unsupported[] = [
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
  { path: ['optional_permissions'], reason: 'ignored: apps have no permissions to ask for' },
  { path: ['sandbox'], reason: 'ignored: Portside has no pages' },
  { path: ['sockets', 'udp'], reason: 'ignored: Portside has no chrome.sockets.udp yet' },
  { path: ['usb_printers'], reason: 'ignored: Portside has no chrome.printerProvider' },
];

const NO_PAGES = 'ignored: Portside has no pages';

/** The same of extensions. */
const EXTENSION_KEYS: readonly Unsupported[] = [
  { path: ['action'], reason: NO_PAGES },
  {
    path: ['background', 'page'],
    reason: 'ignored: a background page needs a document, which Portside has not',
  },
  {
    path: ['background', 'persistent'],
    reason: 'ignored: background scripts run until portside is stopped',
  },
  { path: ['background', 'service_worker'], reason: 'ignored: background.scripts is what is run' },
  { path: ['browser_action'], reason: NO_PAGES },
  { path: ['chrome_url_overrides'], reason: NO_PAGES },
  { path: ['commands'], reason: 'ignored: Portside takes no keys' },
  { path: ['content_scripts'], reason: NO_PAGES },
  { path: ['devtools_page'], reason: NO_PAGES },
  { path: ['host_permissions'], reason: 'ignored: Portside has no web requests, only sockets' },
  { path: ['omnibox'], reason: NO_PAGES },
  { path: ['options_ui'], reason: NO_PAGES },
  { path: ['page_action'], reason: NO_PAGES },
  { path: ['sidebar_action'], reason: NO_PAGES },
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

function reasonOf(name: string): string {
  if (name === 'socket') return 'Portside has no chrome.socket yet, only chrome.sockets';
  return 'Portside has no such API';
}

/** @param key the list of the manifest that has them */
function unsupportedPermissions(
  manifest: Readonly<Record<string, unknown>>,
  key: string,
  isKnown: (entry: unknown) => boolean,
): Unsupported[] {
  const permissions = valueAt(manifest, [key]);
  if (!Array.isArray(permissions)) return [];
  return permissions.flatMap((entry: unknown, index) => {
    if (HARMLESS_PERMISSIONS.has(entry) || isKnown(entry)) return [];
    const name = permissionName(entry);
    return [{ path: [key, index], reason: `'${name}' ignored: ${reasonOf(name)}` }];
  });
}

interface Kind {
  readonly keys: readonly Unsupported[];
  /** What is not there and should be. */
  readonly missing: (manifest: Readonly<Record<string, unknown>>) => Unsupported[];
  readonly permissions: (manifest: Readonly<Record<string, unknown>>) => Unsupported[];
}

const isSocket = (entry: unknown): boolean => typeof entry === 'string' && isSocketPermission(entry);
const DECLARING = ['permissions', 'optional_permissions'] as const;

const CHROME_APP: Kind = {
  keys: APP_KEYS,
  missing: (manifest) =>
    valueAt(manifest, ['sockets']) === undefined
      ? [{ path: ['sockets'], reason: 'is missing, so the app has no chrome.sockets' }]
      : [],
  permissions: (manifest) => unsupportedPermissions(manifest, 'permissions', () => false),
};

const EXTENSION: Kind = {
  keys: EXTENSION_KEYS,
  missing: (manifest) =>
    DECLARING.flatMap((key) => valueAt(manifest, [key]) ?? []).some(isSocket)
      ? []
      : [{ path: ['permissions'], reason: 'has none for sockets, so there is no browser.TCPSocket' }],
  permissions: (manifest) => DECLARING.flatMap((key) => unsupportedPermissions(manifest, key, isSocket)),
};

/** One row for each thing that is asked for and not there. */
export function findUnsupported(
  kind: 'chrome-app' | 'extension',
  manifest: Readonly<Record<string, unknown>>,
): Unsupported[] {
  const { keys, missing, permissions } = kind === 'extension' ? EXTENSION : CHROME_APP;
  const unsupported = keys.filter(({ path }) => valueAt(manifest, path) !== undefined);
  return [...missing(manifest), ...unsupported, ...permissions(manifest)];
}

/**
 * `portside/tcpsocket`: Mozilla's `TCPSocket` for WebExtensions, and `UDPSocket` beside it, over any provider.
 *
 * @module
 */
import type { IpAddress } from '../base/address.ts';
import { parseIp } from '../base/address.ts';
import { UnsupportedError } from '../base/errors.ts';
import type { SocketProvider } from '../base/provider.ts';
import type { Browser } from '../facades/tcpsocket/create-tcp-socket.ts';
import { createTcpSocket } from '../facades/tcpsocket/create-tcp-socket.ts';
import type { PermissionHost } from '../facades/tcpsocket/host.ts';
import { Grants } from '../permissions/grants.ts';
import { guard } from '../permissions/guard.ts';
import { readManifestPermissions } from '../permissions/manifest-permissions.ts';
import { judge } from '../permissions/policy.ts';
import type { Prompt } from '../permissions/questions.ts';
import type { SocketOp } from '../permissions/ops.ts';
import { covers } from '../permissions/relations.ts';
import { parseRule } from '../permissions/native-dialect.ts';
import type { Rule, SocketRequest } from '../permissions/rule.ts';
import { parseWebExtensionPermission, wordPermission } from '../permissions/webextension-dialect.ts';
import { ruleOf } from '../permissions/request-rule.ts';
import { defaultProvider } from './default-provider.ts';

export type { Sendable } from '../facades/tcpsocket/bytes-argument.ts';
export type { ClientSocket, ReadyState } from '../facades/tcpsocket/client-socket.ts';
export type { Browser, TcpNamespace } from '../facades/tcpsocket/create-tcp-socket.ts';
export { IOError } from '../facades/tcpsocket/io-error.ts';
export type { IOErrorName } from '../facades/tcpsocket/io-error.ts';
export type { ClientOptions, ServerOptions } from '../facades/tcpsocket/options.ts';
export type { Permissions, PermissionsApi, PermissionsEvent } from '../facades/tcpsocket/permissions-api.ts';
export type { Connections, ServerSocket } from '../facades/tcpsocket/server-socket.ts';
export type { UdpAddress, UdpMessage, UdpMessages } from '../facades/tcpsocket/udp-messages.ts';
export type { UdpNamespace } from '../facades/tcpsocket/udp-namespace.ts';
export type { UdpOptions, UdpSocket } from '../facades/tcpsocket/udp-socket.ts';
export { Grants } from '../permissions/grants.ts';
export type { Answer, Asker, Prompt, Question } from '../permissions/questions.ts';
export { PermissionSyntaxError } from '../permissions/syntax-error.ts';

/** The manifest of a WebExtension: of its keys, `permissions` and `optional_permissions` say what is allowed. */
export type ExtensionManifest = Readonly<Record<string, unknown>>;

interface BrowserCommon {
  /**
   * Makes the sockets. It is guarded here, and stays the caller's to close. Default: one of the thread's own, over the native
   * engine, or over `node:net` where that cannot be loaded.
   */
  readonly provider?: SocketProvider | undefined;
  /** Told of every exception that listeners throw. Default: it becomes an uncaught exception, in a task of its own. */
  readonly report?: ((error: unknown) => void) | undefined;
  /** Whether `closed` rejects when a connection broke. Default true; false for programs that do not handle it. */
  readonly closedRejects?: boolean | undefined;
  /** Further members of `browser`, for whoever runs extensions: `runtime` … */
  readonly members?: Readonly<Record<string, unknown>> | undefined;
  /** What becomes of open sockets whose permission is removed. Default `keep`. */
  readonly onRevoke?: 'close' | 'keep' | undefined;
}

export type BrowserOptions = BrowserCommon &
  (
    | {
        readonly manifest: ExtensionManifest;
        /** Asked when the extension requests an optional permission. Without it the answer is no. */
        readonly prompt?: Prompt | undefined;
        readonly grants?: undefined;
      }
    | {
        /** What the extension holds and may ask for, in the place of what a manifest says: with a store, for example. */
        readonly grants: Grants;
        readonly manifest?: undefined;
      }
  );

/** An extension's `browser`, for whoever runs it. */
export interface BrowserHost {
  readonly browser: Browser;
  readonly grants: Grants;
  /** Ends the extension: all of its sockets are closed at once, open questions are a no, and every further call fails. */
  close(): Promise<void>;
}

function throwLater(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}

function grantsOf(options: BrowserOptions): Grants {
  if (options.grants !== undefined) return options.grants;
  const { manifest, prompt } = options;
  if (typeof manifest !== 'object') throw new TypeError('createBrowser needs a manifest or grants');
  const name = typeof manifest['name'] === 'string' ? manifest['name'] : 'an extension';
  return new Grants({ asker: { id: name, name }, prompt, ...readManifestPermissions(manifest) });
}

function parseAll(permissions: readonly string[]): readonly Rule[] {
  return permissions.flatMap(parsePermission);
}

/** Grants may also hold what only Portside's own form can say, such as a network; it is listed so, and read back. */
function parsePermission(text: string): readonly Rule[] {
  try {
    return [parseWebExtensionPermission(text)];
  } catch (error) {
    try {
      return parseRule(text);
    } catch {
      throw error;
    }
  }
}

function allowed(grants: Grants): readonly Rule[] {
  return grants.getAll().filter(({ effect }) => effect === 'allow');
}

/** Whether something is left of what is allowed, whatever is denied of it. */
function allowsSome(grants: Grants, op: SocketOp): boolean {
  const denied = grants.getAll().filter(({ effect }) => effect === 'deny');
  return allowed(grants).some((rule) => rule.op === op && !denied.some((deny) => covers(deny, rule)));
}

function permissionHost(grants: Grants): PermissionHost {
  return {
    permits: (op, host, port) => {
      const { allowed, dependsOnAddress } = judge(grants, { op, host, port });
      if (allowed) return parseIp(host) === null && grants.judgesAddresses(op) ? 'depends' : 'yes';
      return dependsOnAddress === true ? 'depends' : 'no';
    },
    allowsSome: (op) => allowsSome(grants, op),
    wordPermission: (op, host, port) => wordRequest({ op, host, port }),
    contains: (permissions) => grants.contains(parseAll(permissions)),
    request: (permissions) => grants.request(parseAll(permissions)),
    remove: (permissions) => grants.remove(parseAll(permissions)),
    getAll: () => allowed(grants).map(wordPermission),
    onAdded: (listener) => {
      grants.onAdded((rules) => {
        listener(rules.map(wordPermission));
      });
    },
    onRemoved: (listener) => {
      grants.onRemoved((rules) => {
        listener(rules.map(wordPermission));
      });
    },
  };
}

/** The permission that a manifest would have to declare. A port is listened on at all addresses. */
function wordRequest(request: SocketRequest): string {
  const rule = ruleOf(request);
  if (rule === undefined) return `${request.op}:${request.host}:${String(request.port)}`;
  const isOwn = request.op === 'tcp-listen' || request.op === 'udp-bind';
  return wordPermission(isOwn ? { ...rule, host: { kind: 'any' } } : rule);
}

/**
 * Like `createBrowser`, for whoever runs an extension: with a view of what it holds, and an end.
 *
 * @throws {PermissionSyntaxError} a permission of the manifest cannot be read; `path` is the place
 * @throws {TypeError} neither a manifest nor grants were given
 */
export function createBrowserHost(options: BrowserOptions): BrowserHost {
  const grants = grantsOf(options);
  const { provider = defaultProvider(), report = throwLater, closedRejects = true, onRevoke } = options;
  const interfaceIndex = async ({ family, host }: IpAddress): Promise<number | undefined> => {
    const all = await provider.interfaces();
    const found = all.find(({ address }) => address.family === family && address.host === host);
    if (found !== undefined && found.index === undefined)
      throw new UnsupportedError('this provider does not number interfaces', { op: 'interfaces' });
    return found?.index;
  };
  const host = {
    provider: guard(provider, grants, { onRevoke }),
    permissions: permissionHost(grants),
    interfaceIndex,
    defer: setImmediate,
    report,
    closedRejects,
  };
  const api = createTcpSocket(host, options.members);
  return {
    browser: api.browser,
    grants,
    close: async () => {
      grants.close();
      await api.close();
    },
  };
}

/**
 * Makes the `browser` object of a WebExtension: `TCPSocket`, `UDPSocket` and `permissions`. What it may not use is not there.
 *
 * ```ts
 * const browser = createBrowser({ manifest: { permissions: ['tcp-connect:example.com:80'] } });
 * const client = await browser.TCPSocket.connect({ host: 'example.com', port: 80 });
 * await client.opened;
 * ```
 *
 * @throws {PermissionSyntaxError} a permission of the manifest cannot be read; `path` is the place
 * @throws {TypeError} neither a manifest nor grants were given
 */
export function createBrowser(options: BrowserOptions): Browser {
  return createBrowserHost(options).browser;
}

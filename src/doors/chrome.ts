/**
 * `portside/chrome`: the socket APIs of Chrome Apps, over any provider.
 *
 * @module
 */
import { callback, object, providerRule } from '../base/maker-rules.ts';
import type { SocketProvider } from '../base/provider.ts';
import type { Rules } from '../base/rules.ts';
import { optional, readOptions, requireObject, withDefault, wrongType } from '../base/rules.ts';
import type {
  ChromeRuntime,
  ChromeSocketsTcp,
  ChromeSocketsTcpServer,
} from '../facades/chrome-sockets/chrome-types.ts';
import type { Manifest } from '../facades/chrome-sockets/create-chrome-sockets.ts';
import { createChromeSockets } from '../facades/chrome-sockets/create-chrome-sockets.ts';
import type { ChromeSocketRow } from '../facades/chrome-sockets/rows.ts';
import { realClock } from '../portable/node-clock.ts';
import { defaultProvider } from './default-provider.ts';
import { guard } from '../permissions/guard.ts';
import type { Policy } from '../permissions/policy.ts';
import { judge, rulesPolicy } from '../permissions/policy.ts';
import { parseSocketsKey } from '../permissions/sockets-key.ts';

export type * from '../facades/chrome-sockets/chrome-types.ts';
export type { Manifest } from '../facades/chrome-sockets/create-chrome-sockets.ts';
export type { ChromeSocketRow } from '../facades/chrome-sockets/rows.ts';
export type { Decision, Policy } from '../permissions/policy.ts';
export type { SocketRequest } from '../permissions/rule.ts';
export { PermissionSyntaxError } from '../permissions/syntax-error.ts';

/** The object that apps know as `chrome`. */
export interface Chrome {
  /** Not there at all if the app has a manifest without the key `sockets` and no policy was given, as in Chrome. */
  readonly sockets: { readonly tcp: ChromeSocketsTcp; readonly tcpServer: ChromeSocketsTcpServer };
  readonly runtime: ChromeRuntime;
}

interface ChromeCommon {
  /**
   * Makes the sockets. It is guarded here, and stays the caller's to close. Default: one of the thread's own, over the native
   * engine, or over `node:net` where that cannot be loaded.
   */
  readonly provider?: SocketProvider | undefined;
  /** What `runtime.id` is: 32 letters from a to p. */
  readonly id?: string | undefined;
  /** Told of what Chrome writes to the app's console: `Unchecked runtime.lastError: …`. Default: a process warning. */
  readonly warn?: ((text: string) => void) | undefined;
  /**
   * Told of every exception that the app's callbacks and listeners throw. Default: it becomes an uncaught exception, in a
   * task of its own.
   */
  readonly report?: ((error: unknown) => void) | undefined;
}

/** One of `manifest` and `policy` must be given. */
export type ChromeOptions = ChromeCommon &
  (
    | {
        /** The app's manifest: its key `sockets` says what is allowed. */
        readonly manifest: Manifest;
        /** Decides instead of the manifest. */
        readonly policy?: Policy | undefined;
      }
    | { readonly manifest?: Manifest | undefined; readonly policy: Policy }
  );

/** An app's `chrome`, and the host's view of its sockets. */
export interface ChromeHost {
  readonly chrome: Chrome;
  /** The app's sockets as they are now. */
  rows(): Iterable<ChromeSocketRow>;
  /**
   * Ends the app: no callback and no event comes any more, every call throws, every socket sends what it was given, for a
   * second at most, and closes.
   *
   * @returns when all sockets are closed. Again: the same promise.
   */
  close(): Promise<void>;
}

function emitWarning(text: string): void {
  process.emitWarning(text);
}

function throwLater(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}

interface Plan {
  readonly provider: SocketProvider | undefined;
  readonly id: string | undefined;
  readonly warn: (text: string) => void;
  readonly report: (error: unknown) => void;
  readonly manifest: Manifest | undefined;
  readonly policy: Policy | undefined;
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string') throw wrongType(name, 'text', value);
  return value;
}

const OPTIONS: Rules<Plan> = {
  provider: optional(providerRule),
  id: optional(text),
  warn: withDefault(callback<Plan['warn']>, emitWarning),
  report: withDefault(callback<Plan['report']>, throwLater),
  manifest: optional(object<Manifest>),
  policy: optional(callback<Policy>),
};

/** What may be done, or nothing if there is no `chrome.sockets` at all. */
function policyOf({ policy, manifest }: Plan): Policy | undefined {
  if (policy !== undefined) return policy;
  if (manifest === undefined) throw new TypeError('createChrome needs a manifest or a policy');
  return Object.hasOwn(manifest, 'sockets') ? rulesPolicy(parseSocketsKey(manifest['sockets'])) : undefined;
}

/**
 * Like `createChrome`, for whoever runs an app: with a view of its sockets and an end.
 *
 * @throws {PermissionSyntaxError} the manifest's key `sockets` cannot be read; `path` is the place
 * @throws {TypeError} neither a manifest nor a policy was given, or an option is none
 */
export function createChromeHost(options: ChromeOptions): ChromeHost {
  const plan = readOptions(requireObject(options, 'options'), OPTIONS);
  const policy = policyOf(plan);
  const decide: Policy = policy ?? (() => ({ allowed: false }));
  const { manifest, id, warn, report } = plan;
  const host = createChromeSockets({
    provider: guard(plan.provider ?? defaultProvider(), decide),
    ...{ manifest, id, warn, report },
    permits: (op, address, port) => judge(decide, { op, host: address, port }).allowed,
    defer: setImmediate,
    clock: realClock,
  });
  // An app may ask whether there is `chrome.sockets`, and must then find no such key.
  const sockets = policy === undefined ? {} : { sockets: host.api };
  return {
    chrome: { ...sockets, runtime: host.runtime } as Chrome,
    rows: () => host.rows(),
    close: () => host.close(),
  };
}

/**
 * Makes the `chrome` object of a Chrome App: `sockets.tcp`, `sockets.tcpServer` and the part of `runtime` that they need.
 * What its functions do, and where they differ from Chrome's, is in `docs/reference/chrome.md`.
 *
 * ```ts
 * const chrome = createChrome({ manifest: { sockets: { tcp: { connect: '*:80' } } }, provider });
 * chrome.sockets.tcp.create(({ socketId }) => {
 *   chrome.sockets.tcp.connect(socketId, 'example.com', 80, (result) => console.log(result));
 * });
 * ```
 *
 * @throws {PermissionSyntaxError} the manifest's key `sockets` cannot be read; `path` is the place
 * @throws {TypeError} neither a manifest nor a policy was given, or an option is none
 */
export function createChrome(options: ChromeOptions): Chrome {
  return createChromeHost(options).chrome;
}

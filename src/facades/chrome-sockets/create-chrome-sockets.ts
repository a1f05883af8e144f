import type { Clock } from '../../base/clock.ts';
import type { SocketProvider } from '../../base/provider.ts';
import { Answers } from './answers.ts';
import type { Permits } from './app-state.ts';
import { AppState } from './app-state.ts';
import { bindCalls } from './bind-calls.ts';
import type { ChromeRuntime, ChromeSocketsTcp, ChromeSocketsTcpServer } from './chrome-types.ts';
import { makeSend } from './fast-send.ts';
import type { ChromeSocketRow } from './rows.ts';
import { socketRows } from './rows.ts';
import { TCP_SERVER_SIGNATURES, TCP_SIGNATURES } from './signatures.ts';
import { TcpCalls } from './tcp-calls.ts';
import { TcpServerCalls } from './tcp-server-calls.ts';

/** The part of an app's manifest that matters here. */
export type Manifest = Readonly<Record<string, unknown>>;

export interface ChromeSocketsOptions {
  /** Makes the sockets. It belongs to the caller, who closes it. */
  readonly provider: SocketProvider;
  /** What `runtime.getManifest` copies. With `manifest_version` 3, functions that can answer with a promise do. */
  readonly manifest?: Manifest | undefined;
  /** What `runtime.id` is: 32 letters from a to p. */
  readonly id?: string | undefined;
  /** Told of what Chrome writes to the app's console: `Unchecked runtime.lastError: …`. */
  readonly warn: (text: string) => void;
  /** Told of every exception that the app's callbacks and listeners throw. */
  readonly report: (error: unknown) => void;
  /**
   * Asked before all else about a connect or a listen, so that a refusal comes before any other fault, as in Chrome.
   * Default: yes. It is no protection: that is `guard(provider, policy)`, whose refusals are told alike.
   */
  readonly permits?: Permits | undefined;
  /**
   * Runs a function later, in a task of its own and in the order of the calls: answers that are known during a call come
   * through it. Default: a microtask.
   */
  readonly defer?: ((task: () => void) => void) | undefined;
  /** Limits the time that `close` waits for what is still to be sent to a second. Default: half a minute for each socket. */
  readonly clock?: Clock | undefined;
}

/** An app's `chrome.sockets` and `chrome.runtime`, and the host's view of them. */
export interface ChromeSocketsHost {
  readonly api: { readonly tcp: ChromeSocketsTcp; readonly tcpServer: ChromeSocketsTcpServer };
  /** Hosts may add what else their apps need. */
  readonly runtime: ChromeRuntime;
  /** The app's sockets as they are now. */
  rows(): Iterable<ChromeSocketRow>;
  /**
   * Ends the app: no callback and no event comes any more, every call throws, every socket sends what it was given, for a
   * second at most if there is a clock, and closes.
   *
   * @returns when all sockets are closed. Again: the same promise.
   */
  close(): Promise<void>;
}

const DEFAULT_ID = 'a'.repeat(32);

function microtask(task: () => void): void {
  void Promise.resolve().then(task);
}

function makeRuntime(options: ChromeSocketsOptions, answers: Answers): ChromeRuntime {
  const manifest = JSON.stringify(options.manifest ?? {});
  return {
    get lastError() {
      return answers.lastError;
    },
    id: options.id ?? DEFAULT_ID,
    getManifest: () => JSON.parse(manifest) as Record<string, unknown>,
  };
}

/**
 * Makes `chrome.sockets.tcp`, `chrome.sockets.tcpServer` and `chrome.runtime` for one app over a provider.
 *
 * What the functions do, and where they differ from Chrome's, is in `docs/reference/chrome.md`.
 */
export function createChromeSockets(options: ChromeSocketsOptions): ChromeSocketsHost {
  const { warn, report, defer = microtask } = options;
  const answers = new Answers({ warn, report, defer });
  const { provider, permits = () => true, clock } = options;
  const app = new AppState({ provider, answers, permits, clock });
  const promises = options.manifest?.['manifest_version'] === 3 ? 'allowed' : 'refused';
  const tcpCalls = new TcpCalls(app);
  const tcp = bindCalls(tcpCalls, TCP_SIGNATURES, { answers, promises });
  const tcpServer = bindCalls(new TcpServerCalls(app), TCP_SERVER_SIGNATURES, { answers, promises });
  let closing: Promise<void> | undefined;
  return {
    api: {
      tcp: {
        ...tcp,
        send: makeSend(tcpCalls, answers, tcp.send),
        onReceive: app.onReceive.event,
        onReceiveError: app.onReceiveError.event,
      },
      tcpServer: { ...tcpServer, onAccept: app.onAccept.event, onAcceptError: app.onAcceptError.event },
    },
    runtime: makeRuntime(options, answers),
    rows: () => socketRows(app),
    close: () => (closing ??= app.end()),
  };
}

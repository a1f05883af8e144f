/** The app's `chrome`: the sockets, and what an app needs to know of itself and of its launch. */
import type { App } from './manifest.ts';

/** What the sockets facade gives: `sockets`, if the manifest asks for them, and `runtime.lastError`. */
export interface ChromeSocketsApi {
  readonly sockets?: object | undefined;
  readonly runtime: { readonly lastError?: unknown };
}

type Listener = (...args: unknown[]) => unknown;

/** An event of the app's life. @see https://developer.chrome.com/docs/extensions/reference/api/events */
class LifeEvent {
  readonly #listeners = new Set<Listener>();

  /** What the app sees: its functions only. */
  api(): object {
    return {
      addListener: (listener: unknown) => {
        if (typeof listener !== 'function') throw new TypeError('addListener: the listener must be a function');
        this.#listeners.add(listener as Listener);
      },
      hasListener: (listener: unknown) => this.#listeners.has(listener as Listener),
      hasListeners: () => this.#listeners.size > 0,
      removeListener: (listener: unknown) => {
        this.#listeners.delete(listener as Listener);
      },
    };
  }

  /** Calls every listener; one that throws stops none of the others. */
  fire(report: (error: unknown) => void, ...args: readonly unknown[]): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(...args);
      } catch (error) {
        report(error);
      }
    }
  }
}

/** The `chrome` of one app, and its launch. */
export interface ChromeObject {
  readonly chrome: object;
  /** Tells the app that it was installed and launched, as Chrome does for an app that is loaded from a folder. */
  launch(): void;
  /** Tells the app that it is about to be stopped. */
  suspend(): void;
}

/** Joins the sockets with the app's own `chrome.runtime` and `chrome.app.runtime`. @param report told what listeners throw */
export function createChromeObject(
  api: ChromeSocketsApi,
  app: Pick<App, 'id' | 'manifest'>,
  report: (error: unknown) => void,
): ChromeObject {
  const installed = new LifeEvent();
  const launched = new LifeEvent();
  const started = new LifeEvent();
  const suspending = new LifeEvent();
  const runtime = {
    id: app.id,
    getManifest: () => structuredClone(app.manifest),
    getURL: (path: unknown) => new URL(String(path), `chrome-extension://${app.id}/`).href,
    onInstalled: installed.api(),
    onStartup: started.api(),
    onSuspend: suspending.api(),
  };
  Object.defineProperty(runtime, 'lastError', { enumerable: true, get: () => api.runtime.lastError });
  const chrome = {
    app: { runtime: { onLaunched: launched.api() } },
    runtime,
    ...(api.sockets === undefined ? {} : { sockets: api.sockets }),
  };
  return {
    chrome,
    launch: () => {
      installed.fire(report, { reason: 'install' });
      launched.fire(report, { isKioskSession: false, isPublicSession: false, source: 'command_line' });
    },
    suspend: () => {
      suspending.fire(report);
    },
  };
}

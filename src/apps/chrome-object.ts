/** The app's `chrome`: the sockets, and what an app needs to know of itself and of its launch. */
import { EventSource } from '../facades/chrome-sockets/event-source.ts';
import type { AppApi } from './app-api.ts';
import type { App } from './manifest.ts';

/** What the sockets facade gives: `sockets`, if the manifest asks for them, and `runtime.lastError`. */
export interface ChromeSocketsApi {
  readonly sockets?: object | undefined;
  readonly runtime: { readonly lastError?: unknown };
}

/** Joins the sockets with the app's own `chrome.runtime` and `chrome.app.runtime`. @param report told what listeners throw */
export function createChromeObject(
  api: ChromeSocketsApi,
  app: Pick<App, 'id' | 'manifest'>,
  report: (error: unknown) => void,
): AppApi {
  const installed = new EventSource<object>('runtime.onInstalled', report);
  const launched = new EventSource<object>('app.runtime.onLaunched', report);
  const started = new EventSource<undefined>('runtime.onStartup', report);
  const suspending = new EventSource<undefined>('runtime.onSuspend', report);
  const runtime = {
    id: app.id,
    getManifest: () => structuredClone(app.manifest),
    getURL: (path: unknown) => new URL(String(path), `chrome-extension://${app.id}/`).href,
    onInstalled: installed.event,
    onStartup: started.event,
    onSuspend: suspending.event,
  };
  Object.defineProperty(runtime, 'lastError', { enumerable: true, get: () => api.runtime.lastError });
  const chrome = {
    app: { runtime: { onLaunched: launched.event } },
    runtime,
    ...(api.sockets === undefined ? {} : { sockets: api.sockets }),
  };
  return {
    globals: { chrome },
    launch: () => {
      installed.emit({ reason: 'install' });
      launched.emit({ isKioskSession: false, isPublicSession: false, source: 'command_line' });
    },
    suspend: () => {
      suspending.emit(undefined);
    },
  };
}

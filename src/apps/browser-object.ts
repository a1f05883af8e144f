/** An extension's `browser`: the sockets, and what an extension needs to know of itself. */
import { arch, platform } from 'node:os';
import { EventSource } from '../facades/chrome-sockets/event-source.ts';
import type { AppApi } from './app-api.ts';
import { appOrigin } from './globals.ts';
import type { App } from './manifest.ts';

const OS: Readonly<Partial<Record<NodeJS.Platform, string>>> = { darwin: 'mac', win32: 'win' };
const ARCH: Readonly<Record<string, string>> = { x64: 'x86-64', arm64: 'aarch64', ia32: 'x86-32' };

/**
 * Joins the sockets with `browser.runtime`.
 *
 * @param make makes `browser` with further members
 * @param report told what listeners throw
 */
export function createBrowserObject(
  make: (members: Readonly<Record<string, unknown>>) => object,
  app: Pick<App, 'id' | 'manifest'>,
  report: (error: unknown) => void,
): AppApi {
  const installed = new EventSource<object>('runtime.onInstalled', report);
  const started = new EventSource<undefined>('runtime.onStartup', report);
  const suspending = new EventSource<undefined>('runtime.onSuspend', report);
  const runtime = Object.freeze({
    id: app.id,
    getManifest: () => structuredClone(app.manifest),
    getPlatformInfo: () =>
      Promise.resolve({ os: OS[platform()] ?? platform(), arch: ARCH[arch()] ?? arch() }),
    getURL: (path: unknown) => new URL(String(path), `${appOrigin('extension', app.id)}/`).href,
    onInstalled: installed.event,
    onStartup: started.event,
    onSuspend: suspending.event,
  });
  return {
    globals: { browser: make({ runtime }) },
    launch: () => {
      installed.emit({ reason: 'install', temporary: true });
    },
    suspend: () => {
      suspending.emit(undefined);
    },
  };
}

/** The sockets that an app gets, by its kind, and what it may do with them. */
import type { MakeApi } from '../apps/app-api.ts';
import type { AppSocketRow } from '../apps/app-row.ts';
import { rowsOf } from '../apps/app-row.ts';
import { createBrowserObject } from '../apps/browser-object.ts';
import { createChromeObject } from '../apps/chrome-object.ts';
import type { App } from '../apps/manifest.ts';
import type { SocketProvider } from '../base/provider.ts';
import { createChromeHost } from '../doors/chrome.ts';
import { createBrowserHost } from '../doors/tcpsocket.ts';
import type { GrantStore } from '../permissions/grants.ts';
import { Grants } from '../permissions/grants.ts';
import { readManifestPermissions } from '../permissions/manifest-permissions.ts';
import { rulesPolicy } from '../permissions/policy.ts';
import type { Prompt } from '../permissions/questions.ts';
import type { Rule } from '../permissions/rule.ts';
import { parseSocketsKey } from '../permissions/sockets-key.ts';

export interface AppHost {
  readonly makeApi: MakeApi;
  /** The app's sockets as they are now. */
  rows(): Iterable<AppSocketRow>;
  /** Ends the app: its sockets are closed. */
  close(): Promise<void>;
}

export interface HostSetting {
  readonly app: App;
  readonly provider: SocketProvider;
  /** What it may not do, whatever its manifest says. */
  readonly denied: readonly Rule[];
  readonly prompt: Prompt;
  readonly store: GrantStore;
  /** Takes what browsers write to the app's console. */
  readonly warn: (text: string) => void;
  /** Told what the app's listeners throw. */
  readonly report: (error: unknown) => void;
}

function chromeAppHost({ app, provider, denied, warn, report }: HostSetting): AppHost {
  const { manifest, id } = app;
  const hasSockets = Object.hasOwn(manifest, 'sockets');
  const rules = hasSockets ? parseSocketsKey(manifest['sockets']) : [];
  const policy = hasSockets ? rulesPolicy([...rules, ...denied]) : undefined;
  const host = createChromeHost({ manifest, policy, id, provider, warn, report });
  return {
    makeApi: (raise) => createChromeObject(host.chrome, app, raise),
    rows: () => host.rows(),
    close: () => host.close(),
  };
}

async function extensionHost({
  app,
  provider,
  denied,
  prompt,
  store,
  report,
}: HostSetting): Promise<AppHost> {
  const { id, name, manifest } = app;
  const { granted, optional } = readManifestPermissions(manifest);
  const grants = await Grants.open({
    asker: { id, name },
    granted: [...granted, ...denied],
    optional,
    prompt,
    store,
  });
  let close = (): Promise<void> => Promise.resolve();
  return {
    makeApi: (raise) =>
      createBrowserObject(
        (members) => {
          const host = createBrowserHost({ grants, provider, report, members });
          close = () => host.close();
          return host.browser;
        },
        app,
        raise,
      ),
    rows: () => rowsOf(provider.sockets()),
    close: () => close(),
  };
}

/** @throws {GrantFileError} what was granted for good cannot be read */
export async function createAppHost(setting: HostSetting): Promise<AppHost> {
  return setting.app.kind === 'extension' ? extensionHost(setting) : chromeAppHost(setting);
}

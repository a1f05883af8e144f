/** What the bridges work with: the promise API, and the provider below it. */
import { UnsupportedError } from '../base/errors.ts';
import type { SocketProvider } from '../base/provider.ts';
import type { LocalProvider } from '../engine/local-provider.ts';
import type { Portside } from '../facades/portside/types.ts';
import type { WebStreams } from '../facades/portside/web-streams.ts';

export interface Context<Web extends WebStreams> {
  readonly front: Portside<Web>;
  readonly provider: SocketProvider;
}

/** Whether a provider is the native engine itself: a guard around it hands out no descriptors, and takes none (F71). */
export function isNative(provider: SocketProvider): provider is LocalProvider {
  return 'adopt' in provider && 'descriptor' in provider;
}

/** @throws {UnsupportedError} there is no native engine */
export function requireNative(
  { provider }: { readonly provider: SocketProvider },
  op: string,
): LocalProvider {
  if (isNative(provider)) return provider;
  throw new UnsupportedError('descriptors need the native engine', { op });
}

import { UnsupportedError } from '../base/errors.ts';
import type { SocketProvider } from '../base/provider.ts';
import { localProvider } from '../engine/local-provider.ts';
import { portableProvider } from '../portable/portable-provider.ts';

let shared: SocketProvider | undefined;

function make(): SocketProvider {
  try {
    return localProvider();
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    return portableProvider();
  }
}

/**
 * The provider for those who bring none: the native engine, or the portable provider where that cannot be loaded. There is
 * one for each thread, which lives as long as the thread and keeps nothing alive by itself.
 */
export function defaultProvider(): SocketProvider {
  return (shared ??= make());
}

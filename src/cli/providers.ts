/** Finds the provider that the command runs on. */
import type { SocketProvider } from '../base/provider.ts';
import { portableProvider } from '../portable/portable-provider.ts';

export const PROVIDER_NAMES = ['native', 'portable'] as const;
export type ProviderName = (typeof PROVIDER_NAMES)[number];

export interface ChosenProvider {
  readonly name: ProviderName;
  readonly provider: SocketProvider;
  /** Why it is not the native one, if that was not asked for. */
  readonly reason?: string;
}

/** The native engine cannot be loaded, and it was asked for. */
export class NoNativeEngineError extends Error {
  override readonly name: string = 'NoNativeEngineError';
}

/**
 * The provider of that name; without one, the native engine where it loads, and else the portable provider.
 *
 * @throws {NoNativeEngineError} the native engine was asked for and does not load
 */
export async function chooseProvider(name: ProviderName | undefined): Promise<ChosenProvider> {
  if (name === 'portable') return { name, provider: portableProvider() };
  try {
    // Loading the engine loads the addon, which not every machine has.
    const { localProvider } = await import('../engine/local-provider.ts');
    return { name: 'native', provider: localProvider() };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (name === 'native')
      throw new NoNativeEngineError(`the native engine cannot be loaded: ${reason}`, { cause });
    return { name: 'portable', provider: portableProvider(), reason };
  }
}

import { isSocketError } from '../../base/errors.ts';
import type { KeepAlive, OptionName, SocketOptions } from '../../base/options.ts';
import type { SocketProvider, Stream } from '../../base/provider.ts';
import { NET } from './net-errors.ts';

/** Seconds of silence before the first keep-alive probe of an outgoing connection, and between probes. */
const DEFAULT_KEEP_ALIVE = 45;
/** Most seconds that Linux takes for keep-alive. */
const MAX_KEEP_ALIVE = 32_767;

/** Keep-alive with Chromium's meaning of the delay: between probes too; 0 leaves the system's own timing. */
function keepAlive(provider: SocketProvider, delay: number): KeepAlive {
  if (delay === 0) return true;
  return provider.capabilities.has('keep-alive-timing') ? { idle: delay, interval: delay } : { idle: delay };
}

/** What outgoing connections have from the start. Accepted ones have the system's own. */
export function connectOptions(provider: SocketProvider): Partial<SocketOptions> {
  return { noDelay: true, keepAlive: keepAlive(provider, DEFAULT_KEEP_ALIVE) };
}

/** @returns 0, or -2 if there is no connection or the system refuses. */
function setOption<N extends OptionName>(stream: Stream | null, name: N, value: SocketOptions[N]): number {
  if (stream === null) return NET.FAILED;
  try {
    stream.set(name, value);
    return NET.OK;
  } catch (error) {
    if (!isSocketError(error)) throw error;
    return NET.FAILED;
  }
}

export function setNoDelay(stream: Stream | null, value: boolean): number {
  return setOption(stream, 'noDelay', value);
}

/** @param delay seconds, or `undefined` for none */
export function setKeepAlive(
  provider: SocketProvider,
  stream: Stream | null,
  delay: number | undefined,
): number {
  if (delay === undefined) return setOption(stream, 'keepAlive', false);
  if (delay < 0 || delay > MAX_KEEP_ALIVE) return NET.FAILED;
  return setOption(stream, 'keepAlive', keepAlive(provider, delay));
}

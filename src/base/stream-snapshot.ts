import type { SocketSnapshot, Stream } from './provider.ts';

/** What a provider shows of a stream. @param isClosing whether its owner has closed or aborted it */
export function streamSnapshot(stream: Stream, isClosing: boolean): SocketSnapshot {
  const { id, transport, local, remote, bytesRead, bytesWritten, bufferedAmount, tag, tls } = stream;
  return {
    id,
    kind: 'stream',
    transport,
    state: isClosing ? 'closing' : 'open',
    local,
    remote,
    bytesRead,
    bytesWritten,
    bufferedAmount,
    tag,
    ...(tls === undefined ? {} : { tls: true }),
  };
}

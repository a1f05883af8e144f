/** The process that a lifetime case watches: it opens sockets, and shows whether they keep it alive. */
import type { IpEndpoint, SocketAddress } from '../../base/address.ts';
import type { Listener, SocketProvider, Stream } from '../../base/provider.ts';
import type { LifetimeMode } from './lifetime-suite.ts';

const [, , moduleUrl = '', mode = ''] = process.argv as [string, string, string?, LifetimeMode?];
const { makeProvider } = (await import(moduleUrl)) as { makeProvider: () => SocketProvider };
const provider = makeProvider();
if (mode === 'datagram' || mode === 'unref-datagram') await openDatagram();
else await openListener();

async function openDatagram(): Promise<void> {
  const socket = await provider.bind({ host: '127.0.0.1' });
  socket.start({ receive: endAll, close: () => undefined });
  if (mode === 'unref-datagram') socket.unref();
  tellPort(socket.local);
}

async function openListener(): Promise<void> {
  const listener = await provider.listen({});
  const first = acceptFirst(listener);
  if (mode === 'unref-listener' || mode === 'ref-again') listener.unref();
  if (mode === 'ref-again') listener.ref();
  if (mode === 'unref-stream') await connectUnref(listener.local, first);
  tellPort(listener.local);
}

function acceptFirst(listener: Listener): Promise<Stream> {
  const isStreamMode = mode === 'stream' || mode === 'unref-stream';
  return new Promise((resolve) => {
    listener.start({
      accept: (stream) => {
        resolve(stream);
        // From here on only the stream is there to keep the process alive.
        if (isStreamMode) listener.unref();
        else void provider.close();
        if (mode !== 'unref-stream') process.stdout.write('accepted\n');
        if (mode === 'stream') stream.start({ data: endAll, close: () => undefined });
      },
      close: () => undefined,
    });
  });
}

async function connectUnref(to: SocketAddress, first: Promise<Stream>): Promise<void> {
  const { host, port } = endpointOf(to);
  const stream = await provider.connect({ host, port });
  for (const end of [stream, await first]) {
    end.start({ data: () => undefined, close: () => undefined });
    end.unref();
  }
}

function endpointOf(local: SocketAddress): IpEndpoint {
  if (local.family === 'unix') throw new Error('a socket of IP has the address of a Unix socket');
  return local;
}

function tellPort(local: SocketAddress): void {
  process.stdout.write(`port ${String(endpointOf(local).port)}\n`);
}

function endAll(): void {
  process.stdout.write('read\n');
  void provider.close();
}

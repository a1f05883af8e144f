/** The process that a lifetime case watches: it opens sockets, and shows whether they keep it alive. */
import type { SocketProvider, Stream } from '../../base/provider.ts';
import type { LifetimeMode } from './lifetime-suite.ts';

const [, , moduleUrl = '', mode = ''] = process.argv as [string, string, string?, LifetimeMode?];
const { makeProvider } = (await import(moduleUrl)) as { makeProvider: () => SocketProvider };
const provider = makeProvider();
const listener = await provider.listen({});
const { local } = listener;
if (local.family === 'unix') throw new Error('listen without a path made a Unix listener');

const isStreamMode = mode === 'stream' || mode === 'unref-stream';
let told: (stream: Stream) => void = () => undefined;
const first = new Promise<Stream>((resolve) => {
  told = resolve;
});
listener.start({
  accept: (stream) => {
    told(stream);
    // From here on only the stream is there to keep the process alive.
    if (isStreamMode) listener.unref();
    else void provider.close();
    if (mode !== 'unref-stream') process.stdout.write('accepted\n');
    if (mode === 'stream') stream.start({ data: endAll, close: () => undefined });
  },
  close: () => undefined,
});
if (mode === 'unref-listener' || mode === 'ref-again') listener.unref();
if (mode === 'ref-again') listener.ref();
if (mode === 'unref-stream') {
  const stream = await provider.connect({ host: local.host, port: local.port });
  for (const end of [stream, await first]) {
    end.start({ data: () => undefined, close: () => undefined });
    end.unref();
  }
}
process.stdout.write(`port ${String(local.port)}\n`);

function endAll(): void {
  process.stdout.write('read\n');
  void provider.close();
}

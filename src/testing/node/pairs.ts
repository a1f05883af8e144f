/** Streams and listeners of a provider for one test, watched by a recorder, and gone when the test is over. */
import type { TestContext } from 'node:test';
import type {
  ConnectOptions,
  Listener,
  ListenOptions,
  ReadOptions,
  SocketProvider,
  Stream,
} from '../../base/provider.ts';
import type { SocketError } from '../../base/errors.ts';
import { ListenerRecorder } from '../listener-recorder.ts';
import type { ListenerHooks } from '../listener-recorder.ts';
import { StreamRecorder } from '../stream-recorder.ts';
import type { StreamHooks } from '../stream-recorder.ts';

/** Throws, at the end of the test, what the recorders complained of. */
function complainer(t: TestContext): (problem: string) => void {
  const problems: string[] = [];
  t.after(() => {
    if (problems.length > 0) throw new Error(problems.slice(0, 10).join('; '));
  });
  return (problem) => problems.push(problem);
}

/** Starts a stream and writes down what it tells. */
export function record(
  t: TestContext,
  stream: Stream,
  hooks: StreamHooks = {},
  options?: ReadOptions,
): StreamRecorder {
  const recorder = new StreamRecorder(complainer(t), hooks);
  if (options?.chunks === 'view') recorder.expectViews();
  if (options === undefined) stream.start(recorder);
  else stream.start(recorder, options);
  return recorder;
}

/** Starts a listener and writes down what it tells. */
export function recordListener(
  t: TestContext,
  listener: Listener,
  hooks: ListenerHooks = {},
): ListenerRecorder {
  const recorder = new ListenerRecorder(complainer(t), (stream) => stream, hooks);
  listener.start(recorder);
  return recorder;
}

/** The port of a TCP socket's end. */
export function portOf(socket: { readonly local: Listener['local'] }): number {
  if (socket.local.family === 'unix') throw new Error('a Unix socket has no port');
  return socket.local.port;
}

/** How to connect to a listener. */
export function whereIs(listener: Listener): ConnectOptions {
  const { local } = listener;
  return local.family === 'unix' ? { path: local.path } : { host: local.host, port: local.port };
}

export interface Made {
  readonly listener: Listener;
  readonly client: Stream;
  readonly server: Stream;
}

/** A connection within the provider. */
export async function connected(
  t: TestContext,
  provider: SocketProvider,
  options: ListenOptions = {},
): Promise<Made> {
  const listener = await provider.listen(options);
  const accepted = recordListener(t, listener);
  const client = await provider.connect(whereIs(listener));
  return { listener, client, server: await accepted.stream() };
}

/** Writes, and waits until the bytes are with the kernel, or will never be. */
export function written(stream: Stream, bytes: Uint8Array): Promise<SocketError | null> {
  return new Promise((resolve) => {
    stream.write(bytes, resolve);
  });
}

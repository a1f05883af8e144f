/** What Node brings to the promise API. */
import { AsyncResource } from 'node:async_hooks';
import { channel, tracingChannel } from 'node:diagnostics_channel';
import { ReadableStream, WritableStream } from 'node:stream/web';
import type { Clock } from '../base/clock.ts';
import type { Diagnostics, Platform, TracedCall } from '../facades/portside/platform.ts';
import type { WebStreams } from '../facades/portside/web-streams.ts';

/** Node's own stream classes. */
export interface NodeStreams extends WebStreams {
  readonly readable: ReadableStream<Uint8Array>;
  /** Takes text, which is sent as UTF-8, and bytes of any kind. */
  readonly writable: WritableStream<string | ArrayBuffer | ArrayBufferView>;
}

const CALLS: readonly TracedCall[] = ['bind', 'connect', 'listen', 'resolve', 'upgrade'];

type CallChannel = ReturnType<typeof tracingChannel<object>>;

/** `tracing:portside:connect:start` and its kin, and two plain channels for the sockets themselves. */
function makeDiagnostics(): Diagnostics {
  const calls = new Map<TracedCall, CallChannel>(
    CALLS.map((call) => [call, tracingChannel<object>(`portside:${call}`)]),
  );
  const opened = channel('portside:socket:open');
  const closed = channel('portside:socket:close');
  return {
    trace: (call, message, run) => {
      const tracing = calls.get(call);
      return tracing?.hasSubscribers === true ? tracing.tracePromise(run, message()) : run();
    },
    opened: (message) => {
      if (opened.hasSubscribers) opened.publish(message());
    },
    closed: (message) => {
      if (closed.hasSubscribers) closed.publish(message());
    },
  };
}

const diagnostics = makeDiagnostics();
const encoder = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder('utf-8', { ignoreBOM: true });

export interface NodePlatformOptions {
  readonly clock: Clock;
  readonly warn: (text: string) => void;
  readonly recordsStacks: () => boolean;
}

export function nodePlatform({ clock, warn, recordsStacks }: NodePlatformOptions): Platform<NodeStreams> {
  return {
    clock,
    warn,
    recordsStacks,
    diagnostics,
    encode: (text) => encoder.encode(text),
    decode: (bytes, isFatal) => (isFatal ? strict : lenient).decode(bytes),
    // A mark of 0: nothing is read that no reader has asked for.
    readable: (source) => new ReadableStream(source, { highWaterMark: 0 }),
    writable: (sink) => new WritableStream(sink, { highWaterMark: 1 }),
    inContext: (callback) => AsyncResource.bind(callback),
  };
}

/** A connection's two directions as the sources and sinks of WHATWG streams. */
import { isBytes } from '../../base/bytes.ts';
import { Canceller } from '../../base/canceller.ts';
import type { SocketError } from '../../base/errors.ts';
import { ClosedError } from '../../base/errors.ts';
import type { Deadline } from '../../base/provider.ts';
import { wrongType } from '../../base/rules.ts';
import type { Writable } from './types.ts';
import type { ByteController, ByteSink, ByteSource } from './web-streams.ts';

/** What the streams do to a connection. */
export interface StreamEnds {
  read(max?: number, deadline?: Deadline): Promise<Uint8Array | null>;
  /** Nobody will read any more. */
  endReading(): Promise<void>;
  write(data: Writable): Promise<void>;
  closeWrite(): Promise<void>;
  abort(): void;
  /** Calls `listener` once, when the connection has closed. */
  onClosed(listener: (error: SocketError | null) => void): void;
}

async function pull(ends: StreamEnds, controller: ByteController, signal: Canceller): Promise<void> {
  const view = controller.byobRequest?.view ?? null;
  const chunk = await ends.read(view?.byteLength, { signal });
  if (chunk === null) {
    controller.close();
    // A reader's own buffer goes back to it at the end as well.
    controller.byobRequest?.respond(0);
  } else if (view === null) {
    controller.enqueue(chunk);
  } else {
    new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(chunk);
    controller.byobRequest?.respond(chunk.length);
  }
}

/** The reading direction. It reads when the stream's reader asks, and then no more than that has room for. */
export function byteSource(ends: StreamEnds): ByteSource {
  const canceller = new Canceller();
  return {
    type: 'bytes',
    pull: (controller) => pull(ends, controller, canceller),
    cancel: async (reason) => {
      canceller.cancel(reason);
      await ends.endReading();
    },
  };
}

/** What a writable stream was given, as bytes or text. @throws {TypeError} */
function writableOf(chunk: unknown): string | Uint8Array {
  if (typeof chunk === 'string' || isBytes(chunk)) return chunk;
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  if (!ArrayBuffer.isView(chunk)) throw wrongType('chunk', 'bytes or text', chunk);
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

/** The writing direction. It fails as soon as the connection is known to have closed, also if nothing is being written. */
export function byteSink(ends: StreamEnds): ByteSink {
  return {
    start: (controller) => {
      ends.onClosed((error) => {
        controller.error(error ?? new ClosedError({ op: 'write' }));
      });
    },
    write: async (chunk) => ends.write(writableOf(chunk)),
    close: () => ends.closeWrite(),
    abort: () => {
      ends.abort();
      return Promise.resolve();
    },
  };
}

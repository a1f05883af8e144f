/**
 * What WHATWG streams are made of. The classes themselves are the platform's, and differ in type from one to the next, so
 * the platform brings them; here is only what they are given.
 */

/** The two stream types of a platform. */
export interface WebStreams {
  /** A readable byte stream. */
  readonly readable: unknown;
  /** A writable stream that takes bytes and text. */
  readonly writable: unknown;
}

/** The part of a platform's `ReadableByteStreamController` that is used. */
export interface ByteController {
  /** The reader's own buffer, which is to be filled; `null` if it gave none. */
  readonly byobRequest: ByobRequest | null;
  enqueue(chunk: Uint8Array): void;
  close(): void;
  error(reason?: unknown): void;
}

export interface ByobRequest {
  readonly view: ArrayBufferView | null;
  respond(bytesWritten: number): void;
}

/** An underlying byte source. @see https://streams.spec.whatwg.org/#underlying-source-api */
export interface ByteSource {
  readonly type: 'bytes';
  pull(controller: ByteController): Promise<void>;
  cancel(reason: unknown): Promise<void>;
}

/** The part of a platform's `WritableStreamDefaultController` that is used. */
export interface WriteController {
  error(reason?: unknown): void;
}

/** An underlying sink. @see https://streams.spec.whatwg.org/#underlying-sink-api */
export interface ByteSink {
  start(controller: WriteController): void;
  write(chunk: unknown): Promise<void>;
  close(): Promise<void>;
  abort(reason: unknown): Promise<void>;
}

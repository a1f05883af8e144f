/** Reading by promises: first come, first served, and nothing lost. */

interface Reader {
  readonly resolve: (chunk: ArrayBuffer) => void;
  readonly reject: (error: Error) => void;
}

/** Bytes that wait unread before no more are read from the network. */
export const READ_LIMIT: number = 64 * 1024;

export class ReadQueue {
  /** What came and nobody has read. */
  readonly #chunks: ArrayBuffer[] = [];
  readonly #readers: Reader[] = [];
  #first = 0;
  #bytes = 0;
  /** What reads come to when there is no more; `null`: one of them to an empty buffer, and the others to `after`. */
  #end: { readonly error: Error | null; readonly after: Error; isTold: boolean } | undefined;

  get isEmpty(): boolean {
    return this.#first === this.#chunks.length;
  }

  get isFull(): boolean {
    return this.#bytes >= READ_LIMIT;
  }

  push(chunk: ArrayBuffer): void {
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.resolve(chunk);
      return;
    }
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
  }

  read(): Promise<ArrayBuffer> {
    const chunk = this.#shift();
    if (chunk !== undefined) return Promise.resolve(chunk);
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject });
      if (this.#end !== undefined) this.#answer();
    });
  }

  /** Drops what nobody has read. */
  discard(): void {
    this.#chunks.length = 0;
    this.#first = 0;
    this.#bytes = 0;
  }

  /** Nothing more comes. @param error why, or `null` for a good end @param after what those hear who go on reading */
  end(error: Error | null, after: Error): void {
    this.#end = { error, after, isTold: false };
    this.#answer();
  }

  #shift(): ArrayBuffer | undefined {
    const chunk = this.#chunks[this.#first];
    if (chunk === undefined) return undefined;
    this.#first++;
    this.#bytes -= chunk.byteLength;
    if (this.isEmpty) this.discard();
    return chunk;
  }

  #answer(): void {
    const end = this.#end;
    if (end === undefined) return;
    for (const reader of this.#readers.splice(0)) {
      if (end.error === null && !end.isTold) {
        end.isTold = true;
        reader.resolve(new ArrayBuffer(0));
      } else reader.reject(end.error ?? end.after);
    }
  }
}

/** Bytes that wait to be taken, in the chunks in which they came: nothing is copied before somebody wants it in one piece. */
export class ByteQueue {
  #chunks: Uint8Array[] = [];
  /** The first chunk that is still wanted. Those before it are dropped in bulk: to shift an array is to move it. */
  #first = 0;
  /** Bytes of that chunk that are taken already. */
  #offset = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The queue keeps `chunk` itself. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  clear(): void {
    this.#chunks = [];
    this.#first = 0;
    this.#offset = 0;
    this.#length = 0;
  }

  /**
   * The next bytes that came in one piece, at most `most` of them. A chunk that is wanted whole is handed on as it is; a part
   * is copied, so that each has a buffer of its own size.
   */
  takePiece(most: number): Uint8Array {
    const chunk = this.#chunks[this.#first];
    if (chunk === undefined) return new Uint8Array(0);
    const end = Math.min(chunk.length, this.#offset + most);
    const piece = this.#offset === 0 && end === chunk.length ? chunk : chunk.slice(this.#offset, end);
    this.#advance(piece.length);
    return piece;
  }

  /** Exactly `count` bytes, which must be there, in one piece. */
  take(count: number): Uint8Array {
    const chunk = this.#chunks[this.#first];
    if (chunk === undefined || chunk.length - this.#offset >= count) return this.takePiece(count);
    const bytes = new Uint8Array(count);
    for (let filled = 0; filled < count;) {
      const piece = this.#peek(count - filled);
      bytes.set(piece, filled);
      filled += piece.length;
      this.#advance(piece.length);
    }
    return bytes;
  }

  /** Where `pattern`, which is not empty, begins, from position `from` on; -1 if it is not there in whole. */
  indexOf(pattern: Uint8Array, from: number): number {
    const [head = 0] = pattern;
    let start = -this.#offset;
    for (let i = this.#first; i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i] ?? new Uint8Array(0);
      const first = Math.max(from - start, start < 0 ? this.#offset : 0);
      for (let at = chunk.indexOf(head, first); at >= 0; at = chunk.indexOf(head, at + 1)) {
        if (this.#matches(pattern, i, at)) return start + at;
      }
      start += chunk.length;
    }
    return -1;
  }

  /** Whether `pattern` stands at a place, perhaps over several chunks. */
  #matches(pattern: Uint8Array, index: number, at: number): boolean {
    let chunk = this.#chunks[index];
    for (const byte of pattern) {
      while (chunk !== undefined && at === chunk.length) {
        chunk = this.#chunks[++index];
        at = 0;
      }
      if (chunk?.[at] !== byte) return false;
      at++;
    }
    return true;
  }

  /** A view of the next bytes. */
  #peek(most: number): Uint8Array {
    const chunk = this.#chunks[this.#first] ?? new Uint8Array(0);
    return chunk.subarray(this.#offset, this.#offset + most);
  }

  #advance(count: number): void {
    this.#length -= count;
    this.#offset += count;
    if (this.#offset < (this.#chunks[this.#first]?.length ?? 0)) return;
    this.#offset = 0;
    this.#first++;
    if (this.#length === 0) this.clear();
    else if (this.#first >= 64 && this.#first * 2 >= this.#chunks.length) {
      this.#chunks = this.#chunks.slice(this.#first);
      this.#first = 0;
    }
  }
}

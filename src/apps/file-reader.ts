/** `FileReader`, which Node does not have. @see https://w3c.github.io/FileAPI/#APIASynch */
import { Blob } from 'node:buffer';
import { TextDecoder } from 'node:util';
import { ProgressEvent, defineHandler } from './events.ts';

const EMPTY = 0;
const LOADING = 1;
const DONE = 2;

/** The events of a reader, each with an attribute: `onload` … */
const EVENT_TYPES: readonly string[] = ['abort', 'error', 'load', 'loadend', 'loadstart', 'progress'];

type Result = string | ArrayBuffer;
type Convert = (bytes: ArrayBuffer, blob: Blob) => Result;

/** A byte-order mark decides over everything else. @see https://encoding.spec.whatwg.org/#bom-sniff */
function sniffBom(bytes: Uint8Array): string | undefined {
  const [a, b, c] = bytes;
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8';
  if (a === 0xfe && b === 0xff) return 'utf-16be';
  return a === 0xff && b === 0xfe ? 'utf-16le' : undefined;
}

function decoderFor(label: string | undefined): TextDecoder | undefined {
  try {
    return label === undefined ? undefined : new TextDecoder(label);
  } catch {
    // An unknown label counts as none, says the specification.
    return undefined;
  }
}

function toText(bytes: ArrayBuffer, blob: Blob, label: string | undefined): string {
  const charset = /;\s*charset\s*=\s*"?([^";]+)/i.exec(blob.type)?.[1];
  const asked = decoderFor(label) ?? decoderFor(charset);
  const decoder = decoderFor(sniffBom(new Uint8Array(bytes))) ?? asked ?? new TextDecoder();
  return decoder.decode(bytes);
}

function toDataUrl(bytes: ArrayBuffer, blob: Blob): string {
  const type = blob.type === '' ? 'application/octet-stream' : blob.type;
  return `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
}

/** Reads blobs and files, telling by events. */
export class FileReader extends EventTarget {
  static readonly EMPTY: number = EMPTY;
  static readonly LOADING: number = LOADING;
  static readonly DONE: number = DONE;
  readonly EMPTY: number = EMPTY;
  readonly LOADING: number = LOADING;
  readonly DONE: number = DONE;

  #readyState: number = EMPTY;
  #result: Result | null = null;
  #error: DOMException | null = null;
  /** The read that is under way; one that was aborted is no longer it, and tells nothing more. */
  #read: symbol | null = null;

  constructor() {
    super();
    for (const type of EVENT_TYPES)
      defineHandler(this, this, type, (handler, event) => handler.call(this, event));
  }

  get readyState(): number {
    return this.#readyState;
  }

  get result(): Result | null {
    return this.#result;
  }

  get error(): DOMException | null {
    return this.#error;
  }

  readAsArrayBuffer(blob: Blob): void {
    this.#start(blob, 'readAsArrayBuffer', (bytes) => bytes);
  }

  readAsBinaryString(blob: Blob): void {
    this.#start(blob, 'readAsBinaryString', (bytes) => Buffer.from(bytes).toString('latin1'));
  }

  readAsDataURL(blob: Blob): void {
    this.#start(blob, 'readAsDataURL', toDataUrl);
  }

  /** @param encoding its label; left out, the blob's own `charset` counts, and then UTF-8 */
  readAsText(blob: Blob, encoding?: string): void {
    this.#start(blob, 'readAsText', (bytes) => toText(bytes, blob, encoding));
  }

  abort(): void {
    this.#result = null;
    if (this.#readyState !== LOADING) return;
    const read = Symbol('aborted');
    this.#read = read;
    this.#readyState = DONE;
    this.#tell('abort', 0, 0);
    if (this.#isCurrent(read)) this.#tell('loadend', 0, 0);
  }

  #start(blob: unknown, name: string, convert: Convert): void {
    if (!(blob instanceof Blob)) {
      throw new TypeError(`Failed to execute '${name}' on 'FileReader': parameter 1 is not of type 'Blob'.`);
    }
    if (this.#readyState === LOADING) {
      const reason = `Failed to execute '${name}' on 'FileReader': The object is already busy reading Blobs.`;
      throw new DOMException(reason, 'InvalidStateError');
    }
    const read = Symbol(name);
    this.#read = read;
    this.#readyState = LOADING;
    this.#result = null;
    this.#error = null;
    void this.#run(read, blob, convert);
  }

  async #run(read: symbol, blob: Blob, convert: Convert): Promise<void> {
    // The specification starts with a task, so that listeners added after the call hear `loadstart`.
    await new Promise((resolve) => setImmediate(resolve));
    if (!this.#isCurrent(read)) return;
    this.#tell('loadstart', 0, blob.size);
    let result: Result | null = null;
    let error: DOMException | null = null;
    try {
      result = convert(await blob.arrayBuffer(), blob);
    } catch (cause) {
      error = new DOMException(`The blob could not be read: ${String(cause)}`, 'NotReadableError');
    }
    if (!this.#isCurrent(read)) return;
    if (error === null) this.#tell('progress', blob.size, blob.size);
    if (!this.#isCurrent(read)) return;
    this.#readyState = DONE;
    this.#result = result;
    this.#error = error;
    this.#tell(error === null ? 'load' : 'error', error === null ? blob.size : 0, blob.size);
    // A handler may have begun the next read: its own `loadend` follows, and this one is left out.
    if (this.#isCurrent(read)) this.#tell('loadend', blob.size, blob.size);
  }

  #isCurrent(read: symbol): boolean {
    return this.#read === read;
  }

  #tell(type: string, loaded: number, total: number): void {
    this.dispatchEvent(new ProgressEvent(type, { lengthComputable: total > 0, loaded, total }));
  }
}

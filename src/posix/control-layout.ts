/** Where control messages lie in the slab: how they are put there to be sent, and found after receiving. */
import { ENTRY, ENTRY_WORDS, RECORD, RECORD_WORDS } from '../addon/native-sockets.ts';
import type { NativeModule } from '../addon/types.ts';

/** A control message as numbers and bytes: what the kernel takes. */
export interface EncodedControl {
  readonly level: number;
  readonly type: number;
  readonly data: Uint8Array;
}

/** One that has come; its payload lies in the slab until the next call. */
export interface ControlPlace {
  readonly level: number;
  readonly type: number;
  /** From the start of the slab. */
  readonly offset: number;
  readonly length: number;
}

/** Entries, and all that has words of 64 bits, begin at multiples of this. */
const ALIGNMENT = 8;

export function aligned(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}

/** What a message takes with a payload of so many bytes. @see cmsg(3), CMSG_SPACE */
export function controlSpace(
  { controlHeader, controlAlignment }: Pick<NativeModule, 'controlHeader' | 'controlAlignment'>,
  payload: number,
): number {
  return controlHeader + Math.ceil(payload / controlAlignment) * controlAlignment;
}

export class ControlLayout {
  readonly #module: NativeModule;
  readonly #header: number;
  readonly #slab: Uint8Array;
  readonly #view: DataView;
  readonly #words: Int32Array;

  constructor(module: NativeModule, slab: Uint8Array, words: Int32Array) {
    this.#module = module;
    this.#header = module.controlHeader;
    this.#slab = slab;
    this.#view = new DataView(slab.buffer, slab.byteOffset, slab.byteLength);
    this.#words = words;
  }

  /** What a message takes with this payload. */
  space(payload: number): number {
    return controlSpace(this.#module, payload);
  }

  /** What several take. */
  size(messages: readonly EncodedControl[]): number {
    return messages.reduce((sum, { data }) => sum + this.space(data.length), 0);
  }

  /** What receiving needs behind a multiple of 8: room for control data, and for the entries that describe them. */
  receivingRoom(room: number): number {
    if (room === 0) return 0;
    return aligned(room) + (Math.floor(room / this.#header) + 1) * ENTRY_WORDS * 4;
  }

  /** Lays messages out from `offset`, a multiple of 8, on. @returns how many bytes they take */
  write(offset: number, messages: readonly EncodedControl[]): number {
    let at = offset;
    for (const { level, type, data } of messages) {
      const space = this.space(data.length);
      this.#slab.fill(0, at, at + space);
      this.#view.setBigUint64(at, BigInt(this.#header + data.length), true);
      this.#view.setInt32(at + this.#header - 8, level, true);
      this.#view.setInt32(at + this.#header - 4, type, true);
      this.#slab.set(data, at + this.#header);
      at += space;
    }
    return at - offset;
  }

  /**
   * The messages that came with record `index`.
   *
   * @param room what was given for control data
   */
  read(index: number, room: number): ControlPlace[] {
    const words = this.#words;
    const record = index * RECORD_WORDS;
    const count = words[record + RECORD.controlCount] ?? 0;
    if (count === 0) return [];
    const start = aligned((words[record + RECORD.controlOffset] ?? 0) + room) / 4;
    return Array.from({ length: count }, (_, i) => {
      const at = start + i * ENTRY_WORDS;
      return {
        level: words[at + ENTRY.level] ?? 0,
        type: words[at + ENTRY.type] ?? 0,
        offset: words[at + ENTRY.offset] ?? 0,
        length: words[at + ENTRY.length] ?? 0,
      };
    });
  }
}

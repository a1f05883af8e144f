/** The native sockets of this thread, made when they are first needed, and what belongs to them. */
import { endianness } from 'node:os';
import { loadNative } from '../addon/load.ts';
import type { NativeSockets } from '../addon/native-sockets.ts';
import { SLAB } from '../addon/native-sockets.ts';
import { systemError } from '../addon/system-errors.ts';
import type { NativeModule } from '../addon/types.ts';
import { UnsupportedError } from '../base/errors.ts';
import type { CodecContext } from './codec.ts';
import { ControlLayout } from './control-layout.ts';
import { interfaceIndex } from './interfaces.ts';
import { Readiness } from './readiness.ts';

export interface Space {
  readonly module: NativeModule;
  readonly native: NativeSockets;
  /** The memory that calls share; a view of it never leaves this folder. */
  readonly slab: Uint8Array;
  /** The same memory, as 32-bit words. */
  readonly words: Int32Array;
  /** What a call has left at `SLAB.data`: the first `length` bytes there. */
  readonly received: (length: number) => Uint8Array;
  readonly readiness: Readiness;
  readonly codecs: CodecContext;
  readonly layout: ControlLayout;
  /** Flags that every call has. */
  readonly sendFlags: number;
  readonly recvFlags: number;
}

let space: Space | undefined;

/** The layouts of C structs are written down for one kind of machine. */
function requireMachine(): void {
  const is64Bit = ['arm64', 'loong64', 'ppc64', 'riscv64', 'x64'].includes(process.arch);
  if (process.platform === 'linux' && is64Bit && endianness() === 'LE') return;
  const machine = `${process.platform}-${process.arch}`;
  throw new UnsupportedError(`raw sockets need 64-bit, little-endian Linux; this is ${machine}`, {
    op: 'load',
  });
}

/** Messages tend to be of one length, and to make a view takes longer than to copy a small one: the last view is kept. */
function viewsOf(slab: Uint8Array): (length: number) => Uint8Array {
  let last = slab.subarray(SLAB.data, SLAB.data);
  return (length) => {
    if (last.length !== length) last = slab.subarray(SLAB.data, SLAB.data + length);
    return last;
  };
}

function makeSpace(): Space {
  requireMachine();
  const module = loadNative();
  const told: { readiness?: Readiness } = {};
  const native = module.createSockets((count) => told.readiness?.onReady(count), false);
  if (typeof native === 'number') throw systemError(native, 'calloc', { op: 'load' });
  const slab = native.slab();
  const words = new Int32Array(slab.buffer, SLAB.records, slab.byteLength / 4);
  const readiness = new Readiness(native, words);
  told.readiness = readiness;
  const { MSG_DONTWAIT, MSG_NOSIGNAL } = module.constants;
  return {
    module,
    native,
    slab,
    words,
    received: viewsOf(slab),
    readiness,
    codecs: { interfaceIndex },
    layout: new ControlLayout(module, slab, words),
    sendFlags: MSG_DONTWAIT | MSG_NOSIGNAL,
    recvFlags: MSG_DONTWAIT,
  };
}

/**
 * The space of this thread.
 *
 * @throws {UnsupportedError} this machine has no native sockets
 */
export function getSpace(): Space {
  space ??= makeSpace();
  return space;
}

/** `send` and `sendmsg`. */
import { isAnyArrayBuffer } from 'node:util/types';
import { SystemError } from '../base/errors.ts';
import type { SocketAddress } from '../posix/address.ts';
import { errorNumbers } from '../posix/constants.ts';
import type { ControlInput } from '../posix/control-messages.ts';
import { isAbsent } from './arguments.ts';
import { isByteString, toBytes } from './byte-strings.ts';
import type { CallTime, Core } from './core.ts';
import { isStream, moveAll, Patience, tellLate, wouldBlock } from './core.ts';
import { judged } from './failure.ts';
import { elements } from './lists.ts';
import { stringify } from './text.ts';

const EVERYBODY = '255.255.255.255';

/** The bytes of any memory: a buffer, or any view of one. `null` if it is something else. */
function memoryOf(value: unknown): Uint8Array | null {
  if (ArrayBuffer.isView(value))
    return judged(() => new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  return isAnyArrayBuffer(value) ? judged(() => new Uint8Array(value)) : null;
}

/** What is to be sent of a value: memory as it is, text as UTF-8, anything else as ucode prints it. */
export function bytesOf(value: unknown): Uint8Array {
  return toBytes(isByteString(value) ? value : (memoryOf(value) ?? stringify(value)));
}

/** The bytes of a message: an array is its parts, one after the other. */
export function messageBytes(data: unknown): Uint8Array {
  if (isAbsent(data)) return new Uint8Array(0);
  if (!Array.isArray(data)) return bytesOf(data);
  return Buffer.concat(elements(data).map((part) => (isAbsent(part) ? new Uint8Array(0) : bytesOf(part))));
}

/** A message, with everything judged. */
export interface Outgoing {
  /** The call that is made of it, and named in errors. */
  readonly call: 'send' | 'sendmsg';
  readonly data: Uint8Array;
  readonly address: SocketAddress | undefined;
  readonly control: readonly ControlInput[];
  readonly flags: number;
}

/**
 * Whoever writes the address of everybody on this network means it: the system's lock against sending to it unawares is
 * opened for this message.
 */
function sendToEverybody<T>({ socket }: Core, send: () => T): T {
  try {
    return send();
  } catch (error) {
    const isLocked = error instanceof SystemError && error.errno === errorNumbers.EACCES;
    if (!isLocked || socket.getOption('SOL_SOCKET', 'SO_BROADCAST')) throw error;
  }
  socket.setOption('SOL_SOCKET', 'SO_BROADCAST', true);
  try {
    return send();
  } finally {
    socket.setOption('SOL_SOCKET', 'SO_BROADCAST', false);
  }
}

/** Sends some of the data, with what goes with them. @returns `null` if it would block */
function sendOnce(core: Core, message: Outgoing, data: Uint8Array, time: CallTime): number | null {
  const { socket } = core;
  const { call, address, control } = message;
  const options = { flags: message.flags, ...time };
  if (call === 'sendmsg')
    return socket.sendMsg({ data, control, ...(address === undefined ? {} : { address }) }, options);
  return address === undefined ? socket.send(data, options) : socket.sendTo(data, address, options);
}

/** Sends a message; on a stream that blocks, all of it. @returns the bytes that went out @throws {Failure} EAGAIN … */
export function sendWhole(core: Core, message: Outgoing): number {
  tellLate(core, 'write');
  const { data, address } = message;
  const patience = new Patience(core, 'write', message.flags);
  const isToEverybody = address?.family === 'ipv4' && address.host === EVERYBODY;
  let sent = 0;
  const sendPiece = (): number | null =>
    patience.attempt((time) => {
      // Descriptors would arrive twice.
      const piece = sent === 0 ? message : { ...message, control: [] };
      return sendOnce(core, piece, data.subarray(sent), time);
    });
  const hasSent = moveAll(
    core,
    'write',
    () => judged(() => (isToEverybody ? sendToEverybody(core, sendPiece) : sendPiece())),
    (count) => {
      sent += count;
      return !patience.waits || !isStream(core) || sent >= data.length;
    },
  );
  if (!hasSent) throw wouldBlock(`${message.call}()`);
  return sent;
}

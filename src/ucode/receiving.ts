/** `recv` and `recvmsg`. */
import type { SocketAddress as PosixAddress } from '../posix/address.ts';
import { constants } from '../posix/constants.ts';
import type { ReceivedMessage as PosixMessage } from '../posix/message.ts';
import { poll } from '../posix/poll.ts';
import type { AnsweredAddress } from './addresses.ts';
import { formatAddress } from './addresses.ts';
import { isAbsent } from './arguments.ts';
import type { ControlMessage } from './control.ts';
import { formatControl } from './control.ts';
import type { TakeDescriptor } from './control-values.ts';
import type { CallTime, Core } from './core.ts';
import { isStream, moveAll, Patience, tellLate, wouldBlock } from './core.ts';
import { judged } from './failure.ts';
import { elements } from './lists.ts';
import { INT32, toInteger } from './loose.ts';
import type { Printable } from './text.ts';
import { printable } from './text.ts';

const { AF_INET, AF_INET6, MSG_CMSG_CLOEXEC, MSG_PEEK, MSG_TRUNC, MSG_WAITALL } = constants;
const { POLLPRI, POLLRDHUP, SOCK_STREAM } = constants;

/** Bytes that have been received. With `MSG_TRUNC`, `fullLength` is the datagram's own length, which may be more. */
export type Received = Buffer & { readonly fullLength?: number };

/** A message that has been received. `D` depends on what was asked for. */
export interface ReceivedMessage<D extends Buffer | Buffer[] = Buffer | Buffer[]> extends Printable {
  /** `MSG_TRUNC`, `MSG_CTRUNC`, `MSG_EOR` … */
  flags: number;
  /** How many bytes came; with `MSG_TRUNC` the datagram's own length, which may be more than there was room for. */
  length: number;
  /** Whom it is from, if the system tells. */
  address?: AnsweredAddress;
  /** What came with it, if room was given and anything came. Descriptors in it are yours to close. */
  ancillary?: ControlMessage[];
  /** The bytes: in one piece, or, if sizes were given as an array, one for each size, the last ones perhaps empty. */
  data: D;
}

/** Bytes of one system call, and of what may come with them. */
const MOST = 3 * 2 ** 20;
const MOST_CONTROL = 2 ** 16;

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);

/** Whether a call goes on until all of its room is full, piece by piece. */
function wantsAll(core: Core, flags: number, { waits }: Patience): boolean {
  return waits && isStream(core) && (flags & MSG_WAITALL) !== 0 && (flags & MSG_PEEK) === 0;
}

/** The longest pause between two questions, in milliseconds. */
const LONGEST_PAUSE = 16;

/**
 * Before a look at all of `size` bytes: waits until there are as many, the stream ends or fails, or time is up. TCP does
 * so; any other stream shows what it has.
 *
 * As long as there is anything to be read, the system has nothing more to tell: how much there is must be asked, in
 * pauses, which only the end or urgent data cut short, at which a look ends too.
 */
function awaitLook({ socket }: Core, size: number, flags: number, patience: Patience): void {
  const isAll = (flags & MSG_PEEK) !== 0 && (flags & MSG_WAITALL) !== 0;
  const isTcp = socket.type === SOCK_STREAM && (socket.family === AF_INET || socket.family === AF_INET6);
  if (!isAll || !isTcp || !patience.waits || socket.getOption('SOL_SOCKET', 'SO_ACCEPTCONN')) return;
  const ends = [{ on: socket, events: POLLPRI | POLLRDHUP }];
  for (let pause = 1; socket.available() < size; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    const left = patience.left();
    const [found] = poll(ends, Math.min(pause, left));
    if (found !== 0 || left === 0) return;
  }
}

/** A stream would take `MSG_TRUNC` to mean that the bytes are to be thrown away. */
function systemFlags(core: Core, flags: number): number {
  return isStream(core) ? flags & ~MSG_TRUNC : flags;
}

// --- recv ---------------------------------------------------------------------------------------

/** What `recv` brings: bytes, and whom they are from, if the system tells. */
export interface Arrived {
  readonly data: Received;
  readonly address: PosixAddress | null;
}

/** Receives bytes. @throws {Failure} EAGAIN … */
export function receiveBytes(core: Core, length: number, flags: number): Arrived {
  tellLate(core, 'read');
  const patience = new Patience(core, 'read', flags);
  const parts: Uint8Array[] = [];
  let left = length;
  let address: PosixAddress | null = null;
  let fullLength = 0;
  const piece = (time: CallTime): ReturnType<typeof core.socket.recvFrom> =>
    core.socket.recvFrom(Math.min(left, MOST), { flags: systemFlags(core, flags), ...time });
  awaitLook(core, Math.min(length, MOST), flags, patience);
  const hasCome = moveAll(
    core,
    'read',
    () => judged(() => patience.attempt(piece)),
    (came) => {
      parts.push(came.data);
      left -= came.data.length;
      address ??= came.address;
      fullLength += came.length;
      return came.data.length === 0 || left === 0 || !wantsAll(core, flags, patience);
    },
  );
  if (!hasCome) throw wouldBlock('recv()');
  const [first = new Uint8Array(0)] = parts;
  const data = parts.length > 1 ? Buffer.concat(parts) : asBuffer(first);
  if ((flags & MSG_TRUNC) !== 0) Object.defineProperty(data, 'fullLength', { value: fullLength });
  return { data, address };
}

// --- recvmsg ------------------------------------------------------------------------------------

/** Room for a datagram of any size, where none is asked for. */
const DEFAULT_SIZE = 65536;

/** Rooms for parts of a message. */
export interface Rooms {
  readonly sizes: readonly number[];
  /** Whether there are several, and the answer is an array too. */
  readonly isList: boolean;
}

const POSITIVE = { min: 0n, max: INT32.max };

/** Reads what `recvmsg` is to have room for. @throws {Failure} EINVAL, ERANGE */
export function readRooms(sizes: unknown): Rooms {
  if (isAbsent(sizes)) return { sizes: [DEFAULT_SIZE], isList: false };
  const isList = Array.isArray(sizes);
  const given = isList ? elements(sizes) : [sizes];
  return { sizes: given.map((size) => toInteger(size, POSITIVE, 'Invalid length value')), isList };
}

/** Divides what came among the rooms, in their order. */
function divide(data: Buffer, { sizes }: Rooms): Buffer[] {
  let at = 0;
  return sizes.map((size) => {
    const start = at;
    at = Math.min(at + size, data.length);
    return data.subarray(start, at);
  });
}

interface Collected {
  readonly data: Buffer;
  readonly first: PosixMessage;
  readonly messages: readonly PosixMessage[];
}

/** Receives one message; of a stream as many pieces as `MSG_WAITALL` wants. */
function collect(core: Core, size: number, controlSize: number, flags: number): Collected {
  const patience = new Patience(core, 'read', flags);
  const messages: PosixMessage[] = [];
  let left = size;
  const piece = (time: CallTime): PosixMessage | null =>
    core.socket.recvMsg(
      { size: Math.min(left, MOST), controlSize },
      { flags: systemFlags(core, flags), ...time },
    );
  awaitLook(core, Math.min(size, MOST), flags, patience);
  moveAll(
    core,
    'read',
    () => judged(() => patience.attempt(piece)),
    (message) => {
      messages.push(message);
      left -= message.data.length;
      return message.data.length === 0 || left === 0 || !wantsAll(core, flags, patience);
    },
  );
  const [first] = messages;
  if (first === undefined) throw wouldBlock('recvmsg()');
  const data = messages.length > 1 ? Buffer.concat(messages.map((each) => each.data)) : asBuffer(first.data);
  return { data, first, messages };
}

/** Control messages of all pieces. A descriptor is taken by somebody as soon as it has come. */
function ancillaryOf(messages: readonly PosixMessage[], take: TakeDescriptor): ControlMessage[] {
  return messages.flatMap(({ control }) => control.map((each) => formatControl(each, take)));
}

/**
 * How many bytes there are: what the system said, if it was asked for; of a stream that was only looked at, what waits.
 */
function lengthOf(core: Core, { first, data }: Collected, size: number, flags: number): number {
  if ((flags & MSG_TRUNC) === 0) return Math.min(data.length, size);
  if (!isStream(core)) return first.length;
  return (flags & MSG_PEEK) === 0 ? data.length : core.socket.available();
}

/** Receives a message. @throws {Failure} EAGAIN … */
export function receiveMessage(
  core: Core,
  rooms: Rooms,
  controlSize: number,
  flags: number,
  take: TakeDescriptor,
): ReceivedMessage {
  tellLate(core, 'read');
  const size = rooms.sizes.reduce((sum, each) => sum + each, 0);
  // A stream has nothing to wait for if nothing is wanted of it: to look, one byte is needed.
  const isLook = size === 0 && isStream(core) && (flags & MSG_PEEK) !== 0;
  const collected = collect(core, isLook ? 1 : size, Math.min(controlSize, MOST_CONTROL), flags);
  const ancillary = ancillaryOf(collected.messages, take);
  const { first } = collected;
  const parts = divide(collected.data, rooms);
  return printable({
    // Set by the call itself, for the sake of those who had not asked for it.
    flags: first.flags & ~(MSG_CMSG_CLOEXEC & ~flags),
    length: lengthOf(core, collected, size, flags),
    ...(first.address === null ? {} : { address: formatAddress(first.address) }),
    ...(ancillary.length === 0 ? {} : { ancillary }),
    data: rooms.isList ? parts : (parts[0] ?? collected.data),
  });
}

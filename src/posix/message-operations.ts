/** Calls that move messages: bytes with control data, one or many at a time. */
import { MAX_MESSAGES, NAME_SIZE, RECORD, RECORD_WORDS, SLAB, SLAB_SIZE } from '../addon/native-sockets.ts';
import { isBytes, lengthOfBytes, requireBytes, startOfBytes } from '../base/bytes.ts';
import {
  integer,
  outOfRange,
  readWith,
  requireKnown,
  requireObject,
  withDefault,
  wrongType,
} from '../base/rules.ts';
import type { SocketAddress } from './address.ts';
import { messageCount, ROOM, roomCount } from './arguments.ts';
import { aligned } from './control-layout.ts';
import type { EncodedControl } from './control-layout.ts';
import type { ControlInput } from './control-messages.ts';
import { controlRoom, decodeControl, encodeControl } from './control-messages.ts';
import { UnsupportedError } from '../base/errors.ts';
import { throwsAway } from './byte-operations.ts';
import { Descriptor, OWN } from './descriptor.ts';
import { ReceivedMessage } from './message.ts';
import type { BatchRoom, MessageFlags, MessageRoom, OutgoingMessage } from './message.ts';
import { encodeSockaddr, readSockaddr } from './sockaddr.ts';
import type { CallRow, Operation, SocketState } from './waiting.ts';

export const SEND_MSG: CallRow = { op: 'sendMsg', syscall: 'sendmsg', direction: 'write' };
export const SEND_MANY: CallRow = { op: 'sendMany', syscall: 'sendmmsg', direction: 'write' };
export const RECV_MSG: CallRow = { op: 'recvMsg', syscall: 'recvmsg', direction: 'read' };
export const RECV_MANY: CallRow = { op: 'recvMany', syscall: 'recvmmsg', direction: 'read' };

// --- sending ------------------------------------------------------------------------------------

/** A message of the caller's, judged, and read once. */
interface Judged {
  readonly parts: readonly Uint8Array[];
  readonly control: readonly EncodedControl[];
  readonly name: Uint8Array | undefined;
}

/** Reads the elements of an array, each once, and with no method of its own, which may be anybody's. */
function listOf<T>(
  value: unknown,
  name: string,
  most: number,
  read: (each: unknown, name: string) => T,
): T[] {
  if (!Array.isArray(value)) throw wrongType(name, 'an array', value);
  const given: readonly unknown[] = value;
  const count = Math.min(given.length, most);
  const list: T[] = [];
  for (let i = 0; i < count; i++) list.push(read(given[i], `${name}[${String(i)}]`));
  return list;
}

function partsOf(value: unknown, name: string): readonly Uint8Array[] {
  if (value === undefined) return [];
  if (isBytes(value)) return [requireBytes(value, name)];
  if (!Array.isArray(value)) throw wrongType(name, 'a Uint8Array, or an array of them', value);
  return listOf(value, name, Infinity, requireBytes);
}

function controlOf(value: unknown, name: string, { space }: SocketState): readonly EncodedControl[] {
  if (value === undefined) return [];
  return listOf(value, name, Infinity, (each, place) =>
    encodeControl(each as ControlInput, place, space.codecs),
  );
}

function judge(state: SocketState, message: unknown, name: string): Judged {
  const object = requireObject(message, name);
  const address: unknown = Reflect.get(object, 'address');
  const parts = partsOf(Reflect.get(object, 'data'), `${name}.data`);
  return {
    parts,
    control: controlOf(Reflect.get(object, 'control'), `${name}.control`, state),
    name:
      address === undefined
        ? undefined
        : encodeSockaddr(address as SocketAddress, state.space.codecs, `${name}.address`),
  };
}

/** Copies as much of the parts as there is room for. @returns how many bytes */
function gather(slab: Uint8Array, offset: number, parts: readonly Uint8Array[], room: number): number {
  let at = offset;
  for (const part of parts) {
    const left = offset + room - at;
    const length = lengthOfBytes(part);
    slab.set(length > left ? startOfBytes(part, left) : part, at);
    at += Math.min(length, left);
    if (length > left) break;
  }
  return at - offset;
}

/**
 * Lays a message out as record `index`, from `offset` on. On a stream, data that do not fit are left for another call.
 *
 * @returns where the next one may begin; `null` if there is no room
 */
function place(state: SocketState, index: number, offset: number, message: Judged): number | null {
  const { slab, words, layout, module } = state.space;
  const isStream = state.type === module.constants.SOCK_STREAM;
  const controlOffset = aligned(offset);
  const nameOffset = controlOffset + layout.size(message.control);
  const dataOffset = aligned(nameOffset + (message.name?.length ?? 0));
  const room = SLAB_SIZE - dataOffset;
  // Measured only now: while it was judged, a getter may have changed the memory of its parts.
  const length = message.parts.reduce((sum, part) => sum + lengthOfBytes(part), 0);
  if (room < 0 || (length > room && !isStream)) return null;
  const controlLength = layout.write(controlOffset, message.control);
  if (message.name !== undefined) slab.set(message.name, nameOffset);
  const record = index * RECORD_WORDS;
  words[record + RECORD.dataOffset] = dataOffset;
  words[record + RECORD.dataLength] = gather(slab, dataOffset, message.parts, room);
  words[record + RECORD.nameOffset] = nameOffset;
  words[record + RECORD.nameLength] = message.name?.length ?? 0;
  words[record + RECORD.controlOffset] = controlOffset;
  words[record + RECORD.controlLength] = controlLength;
  return aligned(dataOffset + Math.min(length, room));
}

/** A message is judged anew with each attempt: a descriptor in it may have been closed meanwhile. */
export function sendMsgOperation(
  state: SocketState,
  message: OutgoingMessage,
  flags: number,
): Operation<number> {
  const { native, module } = state.space;
  return {
    call: SEND_MSG,
    attempt: () => {
      const end = place(state, 0, SLAB.data, judge(state, message, 'message'));
      return end === null ? -module.errorNumbers.EMSGSIZE : native.sendMessage(state.id, flags);
    },
    finish: (sent) => sent,
  };
}

export function sendManyOperation(
  state: SocketState,
  messages: readonly OutgoingMessage[],
  flags: number,
): Operation<number> {
  const { native, module } = state.space;
  requireMessages(state, SEND_MANY);
  return {
    call: SEND_MANY,
    attempt: () => {
      const count = placeAll(state, messages);
      if (count === null) return -module.errorNumbers.EMSGSIZE;
      return count === 0 ? 0 : native.sendMessages(state.id, count, flags);
    },
    finish: (sent) => sent,
  };
}

/** A stream keeps no messages apart. */
function requireMessages({ type, isClosed, space }: SocketState, { op }: CallRow): void {
  if (type === space.module.constants.SOCK_STREAM && !isClosed)
    throw new UnsupportedError('a stream keeps no messages apart', { op });
}

/** Lays out as many as one call takes. @returns how many; `null` if there is no room for the first */
function placeAll(state: SocketState, messages: readonly OutgoingMessage[]): number | null {
  const judged = listOf(messages, 'messages', MAX_MESSAGES, (each, name) => judge(state, each, name));
  let offset: number = SLAB.data;
  for (const [i, message] of judged.entries()) {
    const end = place(state, i, offset, message);
    if (end === null) return i === 0 ? null : i;
    offset = end;
  }
  return judged.length;
}

// --- receiving ----------------------------------------------------------------------------------

const DEFAULT_SIZE = 65536;
const DEFAULT_COUNT = 64;

const roomOfFamily = new Map<number, number>();

/**
 * Room for all that any option can bring to a socket of the family, so that nothing is cut whoever has enabled what: a
 * duplicate, or another process. It costs address space only.
 */
function enoughControl(family: number): number {
  let room = roomOfFamily.get(family);
  if (room === undefined) roomOfFamily.set(family, (room = controlRoom(family, () => true)));
  return room;
}

/** Room for each of the messages of a call. */
interface RoomPlan {
  readonly count: number;
  readonly size: number;
  readonly controlSize: number;
}

const MESSAGE_ROOM = { size: true, controlSize: true };
const BATCH_ROOM = { ...MESSAGE_ROOM, count: true };

function roomPlan(state: SocketState, room: BatchRoom, mostMessages: number): RoomPlan {
  const given = requireObject(room, 'room');
  requireKnown(given, mostMessages > 1 ? BATCH_ROOM : MESSAGE_ROOM);
  const plan = readWith(given, {
    count: withDefault(messageCount, Math.min(DEFAULT_COUNT, mostMessages)),
    size: withDefault(roomCount, DEFAULT_SIZE),
    controlSize: withDefault(integer(0, ROOM), enoughControl(state.family)),
  });
  const stride = strideOf(state, plan);
  if (stride > ROOM) {
    const most = `no more together with controlSize than ${String(ROOM)} bytes`;
    throw outOfRange('size', most, plan.size);
  }
  return { ...plan, count: Math.min(plan.count, mostMessages, Math.floor(ROOM / stride)) };
}

/** What one message takes in the slab: control data and their entries, a name, data. */
function strideOf({ space }: SocketState, { size, controlSize }: RoomPlan): number {
  return space.layout.receivingRoom(controlSize) + NAME_SIZE + aligned(size);
}

function prepareRooms(state: SocketState, plan: RoomPlan): void {
  const { words, layout } = state.space;
  const stride = strideOf(state, plan);
  for (let i = 0; i < plan.count; i++) {
    const record = i * RECORD_WORDS;
    const start = aligned(SLAB.data) + i * stride;
    const nameOffset = start + layout.receivingRoom(plan.controlSize);
    words[record + RECORD.controlOffset] = start;
    words[record + RECORD.controlLength] = plan.controlSize;
    words[record + RECORD.nameOffset] = nameOffset;
    words[record + RECORD.nameLength] = NAME_SIZE;
    words[record + RECORD.dataOffset] = nameOffset + NAME_SIZE;
    words[record + RECORD.dataLength] = plan.size;
  }
}

type ReadFlags = (flags: number) => MessageFlags;

/** What flags mean. Their bits are looked up among a thousand constants: once for a call, not for each message. */
function flagReader({ space }: SocketState): ReadFlags {
  const { MSG_CTRUNC, MSG_EOR, MSG_ERRQUEUE, MSG_TRUNC } = space.module.constants;
  return (flags) => ({
    truncated: (flags & MSG_TRUNC) !== 0,
    controlTruncated: (flags & MSG_CTRUNC) !== 0,
    endOfRecord: (flags & MSG_EOR) !== 0,
    errorQueue: (flags & MSG_ERRQUEUE) !== 0,
  });
}

/** Reads record `index`, and makes everything in it the receiver's own. */
function take(
  state: SocketState,
  index: number,
  plan: RoomPlan,
  readFlags: ReadFlags,
  discards = false,
): ReceivedMessage {
  const { slab, words, layout, native } = state.space;
  const word = (field: number): number => words[index * RECORD_WORDS + field] ?? 0;
  const length = word(RECORD.dataLength);
  const start = word(RECORD.dataOffset);
  const flags = word(RECORD.flags);
  const adopt = (slot: number): Descriptor => new Descriptor(native.idAt(slot), OWN);
  const parts = {
    data: discards
      ? new Uint8Array(Math.min(length, plan.size))
      : slab.slice(start, start + Math.min(length, plan.size)),
    length,
    address: readSockaddr(slab, word(RECORD.nameOffset), word(RECORD.nameLength)),
    control: layout
      .read(index, plan.controlSize)
      .map(({ level, type, offset, length: size }) =>
        decodeControl(slab.subarray(offset, offset + size), level, type, adopt),
      ),
    flags,
  };
  return new ReceivedMessage(parts, readFlags(flags));
}

/** Received descriptors are close-on-exec; packet sockets, which receive none, refuse the flag. */
function receiveFlags(state: SocketState, flags: number): number {
  const { MSG_CMSG_CLOEXEC, MSG_TRUNC, SOCK_STREAM, AF_PACKET } = state.space.module.constants;
  // A stream would take MSG_TRUNC to mean that the bytes are to be thrown away.
  const all = state.type === SOCK_STREAM ? flags : flags | MSG_TRUNC;
  return state.family === AF_PACKET ? all : all | MSG_CMSG_CLOEXEC;
}

export function recvMsgOperation(
  state: SocketState,
  room: MessageRoom,
  flags: number,
): Operation<ReceivedMessage> {
  const { native } = state.space;
  const plan = roomPlan(state, room, 1);
  const allFlags = receiveFlags(state, flags);
  return {
    call: RECV_MSG,
    attempt: () => {
      prepareRooms(state, plan);
      return native.recvMessage(state.id, allFlags);
    },
    finish: () => take(state, 0, plan, flagReader(state), throwsAway(state, flags)),
  };
}

/** The end of a connection is received as often as there is room for messages: once will do. */
function withoutEnds(messages: readonly ReceivedMessage[]): ReceivedMessage[] {
  const last = messages.findLastIndex(({ length, control }) => length > 0 || control.length > 0);
  return messages.slice(0, last + 2);
}

export function recvManyOperation(
  state: SocketState,
  room: BatchRoom,
  flags: number,
): Operation<ReceivedMessage[]> {
  const { native } = state.space;
  requireMessages(state, RECV_MANY);
  const plan = roomPlan(state, room, MAX_MESSAGES);
  const isSequence = state.type === state.space.module.constants.SOCK_SEQPACKET;
  const allFlags = receiveFlags(state, flags);
  return {
    call: RECV_MANY,
    attempt: () => {
      prepareRooms(state, plan);
      return native.recvMessages(state.id, plan.count, allFlags);
    },
    finish: (count) => {
      const readFlags = flagReader(state);
      const messages: ReceivedMessage[] = [];
      for (let i = 0; i < count; i++) messages.push(take(state, i, plan, readFlags));
      return isSequence ? withoutEnds(messages) : messages;
    },
  };
}

/** Control messages by their numbers, with data converted loosely. The table of what there is, is that of posix. */
import { isBytes } from '../base/bytes.ts';
import type { ConstantName } from '../posix/constants.ts';
import { constants } from '../posix/constants.ts';
import type { ControlInput, ControlMessage as PosixMessage } from '../posix/control-messages.ts';
import { CONTROL_ROWS } from '../posix/control-rows.ts';
import type { Dictionary } from './arguments.ts';
import { integer, isAbsent, isDictionary } from './arguments.ts';
import { isByteString, toBytes } from './byte-strings.ts';
import type { ControlValue, TakeDescriptor } from './control-values.ts';
import { controlFromPosix, controlToPosix } from './control-values.ts';
import { invalid } from './failure.ts';
import { elements } from './lists.ts';
import type { Printable } from './text.ts';
import { printable } from './text.ts';

/** A control message that was received, or is to be sent. */
export interface ControlMessage extends Printable {
  /** `SOL_SOCKET`, `IPPROTO_IP` … */
  level: number;
  /** `SCM_RIGHTS`, `IP_TTL` … */
  type: number;
  /** Of a kind that belongs to the type; the bytes, of one that is not known. */
  data: ControlValue;
}

/** A control message to be sent. Numbers in `data` are converted loosely; bytes are sent as they are. */
export interface ControlMessageInput {
  readonly level: number;
  readonly type: number;
  readonly data?: unknown;
}

const keyOf = (level: number, type: number): string => `${String(level)}/${String(type)}`;
const CODECS: ReadonlyMap<string, string> = new Map(
  CONTROL_ROWS.map(([level, type, codec]) => [keyOf(constants[level], constants[type]), codec]),
);

// --- sending ------------------------------------------------------------------------------------

const HEADER = 16;
const ALIGNMENT = 8;

/** Control messages as the system has them in memory, one behind the other. @see cmsg(3) */
function ofBytes(bytes: Buffer): readonly ControlInput[] {
  const messages: ControlInput[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = at + HEADER <= bytes.length ? Number(bytes.readBigUInt64LE(at)) : 0;
    if (length < HEADER || at + length > bytes.length) throw invalid('Malformed ancillary data');
    const level = bytes.readInt32LE(at + 8);
    const type = bytes.readInt32LE(at + 12);
    messages.push({ level, type, data: new Uint8Array(bytes.subarray(at + HEADER, at + length)) });
    at += Math.ceil(length / ALIGNMENT) * ALIGNMENT;
  }
  return messages;
}

function ofMessage(message: unknown): ControlInput {
  if (!isDictionary(message)) throw invalid('Ancillary data item is not an object');
  const { level, type, data }: Dictionary = message;
  const numbers = { level: integer(level, 'level'), type: integer(type, 'type') };
  return {
    ...numbers,
    data: controlToPosix(CODECS.get(keyOf(numbers.level, numbers.type)), data),
  } as ControlInput;
}

/** Reads control messages of the caller's: an array of them, or their bytes in memory. @throws {Failure} EINVAL … */
export function readAncillary(value: unknown): readonly ControlInput[] {
  if (isAbsent(value)) return [];
  if (Array.isArray(value)) return elements(value).map(ofMessage);
  if (isByteString(value)) return ofBytes(Buffer.from(toBytes(value)));
  throw invalid('Ancillary data must be string or array value');
}

// --- receiving ----------------------------------------------------------------------------------

function numberOf(name: string | number): number {
  return typeof name === 'number' ? name : constants[name as ConstantName];
}

/** What programs see of a message. Descriptors in it are theirs. */
export function formatControl(message: PosixMessage, take: TakeDescriptor): ControlMessage {
  const level = numberOf(message.level);
  const type = numberOf(message.type);
  // A payload that was cut short comes as bytes.
  const codec = isBytes(message.data) ? undefined : CODECS.get(keyOf(level, type));
  return printable({ level, type, data: controlFromPosix(codec, message.data, take) });
}

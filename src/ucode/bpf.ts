/** Programs of classic BPF, in the three forms that ucode takes. @see socket(7), SO_ATTACH_FILTER */
import type { BpfInstruction } from '../posix/option-types.ts';
import { isAbsent, isDictionary } from './arguments.ts';
import { isByteString, toBytes } from './byte-strings.ts';
import { invalid } from './failure.ts';
import { elements } from './lists.ts';
import { toInteger, UINT16, UINT32, UINT8 } from './loose.ts';
import type { Printable } from './text.ts';
import { printable } from './text.ts';

/** A program as it is read back. */
export interface BpfProgram extends Printable {
  len: number;
  /** `[code, jt, jf, k]` of each instruction. */
  filter: [code: number, jt: number, jf: number, k: number][];
}

/** Numbers of an instruction, and its bytes. */
const NUMBERS = 4;
const SIZE = 8;

function ofNumbers(numbers: readonly unknown[]): BpfInstruction {
  const [code, jt, jf, k] = numbers;
  return {
    code: toInteger(code, UINT16, 'Invalid opcode'),
    jt: toInteger(jt, UINT8, 'Invalid jump offset'),
    jf: toInteger(jf, UINT8, 'Invalid jump offset'),
    k: toInteger(k, UINT32, 'Invalid operand'),
  };
}

function ofBytes(bytes: Buffer): readonly BpfInstruction[] {
  if (bytes.length % SIZE !== 0) throw invalid(`Filter program length is not a multiple of ${String(SIZE)}`);
  return Array.from({ length: bytes.length / SIZE }, (_, i) => ({
    code: bytes.readUInt16LE(i * SIZE),
    jt: bytes.readUInt8(i * SIZE + 2),
    jf: bytes.readUInt8(i * SIZE + 3),
    k: bytes.readUInt32LE(i * SIZE + 4),
  }));
}

function ofArray(items: readonly unknown[]): readonly BpfInstruction[] {
  if (items.every((item) => Array.isArray(item))) return items.map((item) => ofNumbers(elements(item)));
  if (items.length % NUMBERS !== 0)
    throw invalid(`Opcode array length is not a multiple of ${String(NUMBERS)}`);
  return Array.from({ length: items.length / NUMBERS }, (_, i) =>
    ofNumbers(items.slice(i * NUMBERS, (i + 1) * NUMBERS)),
  );
}

function instructions(filter: unknown): readonly BpfInstruction[] {
  if (isByteString(filter)) return ofBytes(Buffer.from(toBytes(filter)));
  if (Array.isArray(filter)) return ofArray(elements(filter));
  throw invalid('Filter is neither a string nor an array of opcodes');
}

/** Reads `{ len, filter }`: `len` is how many instructions there are, unless it says that fewer are meant. */
export function bpfToPosix(value: unknown): readonly BpfInstruction[] {
  if (!isDictionary(value)) throw invalid('Argument value is not an object');
  const program = instructions(value['filter']);
  const given = value['len'];
  if (isAbsent(given)) return program;
  const length = toInteger(given, UINT16, 'Unable to convert field len to unsigned');
  if (length > program.length) throw invalid('Filter program is shorter than len');
  return program.slice(0, length);
}

export function bpfFromPosix(value: unknown): BpfProgram {
  const program = value as readonly BpfInstruction[];
  return printable({
    len: program.length,
    filter: program.map(({ code, jt, jf, k }) => [code, jt, jf, k]),
  });
}

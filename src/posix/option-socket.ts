/** Sockets that have options. */
import type { ConstantName } from '../addon/constant-names.ts';
import { SLAB } from '../addon/native-sockets.ts';
import { lengthOfBytes, requireBytes } from '../base/bytes.ts';
import { outOfRange } from '../base/rules.ts';
import { named, ROOM, roomCount } from './arguments.ts';
import { Descriptor, OWN } from './descriptor.ts';
import { MessageSocket } from './message-socket.ts';
import { getOption, setOption } from './option-calls.ts';
import type {
  OptionArguments,
  OptionLevel,
  OptionQuery,
  OptionValue,
  ReadableOption,
  WritableOption,
} from './option-types.ts';
import type { CallRow } from './waiting.ts';
import { callError } from './waiting.ts';

const PEER_PIDFD: CallRow = { op: 'peerPidfd', syscall: 'getsockopt', direction: 'read' };

const levelNumber = named('AF_', 'IPPROTO_', 'SOL_');
const optionNumber = named();

/** The part of `Socket` that reads and sets options. */
export abstract class OptionSocket extends MessageSocket {
  /**
   * Reads an option. Its level and name are checked against the table in `docs/reference/options.md`, which also says what
   * the value is.
   *
   * @param query for the few options that are read by asking something, what is asked
   * @throws {RangeError} there is no option of this name, or it can only be set
   * @throws {SystemError} ENOPROTOOPT, EOPNOTSUPP: the system, or this kind of socket, does not have it
   * @see getsockopt(2)
   * @example
   * const { onoff, linger } = socket.getOption('SOL_SOCKET', 'SO_LINGER');
   */
  getOption<L extends OptionLevel, N extends ReadableOption<L>>(
    level: L,
    name: N,
    ...query: OptionQuery<L, N>
  ): OptionValue<L, N> {
    return getOption(this.state, level, name as string, query[0]) as OptionValue<L, N>;
  }

  /**
   * Sets an option.
   *
   * @throws {RangeError} there is no option of this name, or it can only be read
   * @throws {TypeError | RangeError} the value cannot be, naming the part of it that is wrong
   * @throws {SystemError} ENOPROTOOPT, EOPNOTSUPP, EINVAL, EPERM, EACCES …
   * @see setsockopt(2)
   * @example
   * socket.setOption('IPPROTO_TCP', 'TCP_NODELAY', true);
   */
  setOption<L extends OptionLevel, N extends WritableOption<L>>(
    level: L,
    name: N,
    ...value: OptionArguments<L, N>
  ): void {
    setOption(this.state, level, name as string, value[0]);
  }

  /**
   * Reads any option, as bytes: for those that the table does not have.
   *
   * @param size room for the value, in bytes
   * @param input what is there to be read by the system, for options that are asked with a value; it has the first bytes
   * @returns what the system wrote
   * @throws {RangeError} the value would hold an address of memory
   * @throws {SystemError} as `getOption`
   * @see getsockopt(2)
   */
  getRaw(
    level: ConstantName | number,
    name: ConstantName | number,
    size: number,
    input: Uint8Array = new Uint8Array(0),
  ): Uint8Array {
    const { native, slab } = this.state.space;
    const numbers = this.#rawNumbers(level, name);
    const room = roomCount(size, 'size');
    const given = lengthOfBytes(requireBytes(input, 'input'));
    if (given > room) throw outOfRange('input', `at most ${String(room)} bytes`, given);
    slab.fill(0, SLAB.data, SLAB.data + room);
    slab.set(input, SLAB.data);
    const result = native.getOption(this.state.id, ...numbers, room);
    if (result < 0) throw this.#rawError('getRaw', 'getsockopt', level, name, result);
    return slab.slice(SLAB.data, SLAB.data + Math.min(result, room));
  }

  /**
   * Sets any option, as bytes: for those that the table does not have.
   *
   * @throws {RangeError} the value would hold an address of memory: use `setOption` for those that the table has
   * @throws {SystemError} as `setOption`
   * @see setsockopt(2)
   */
  setRaw(level: ConstantName | number, name: ConstantName | number, bytes: Uint8Array): void {
    const { native, slab } = this.state.space;
    const numbers = this.#rawNumbers(level, name);
    const length = lengthOfBytes(requireBytes(bytes));
    if (length > ROOM) throw outOfRange('bytes', `at most ${String(ROOM)} bytes`, length);
    slab.set(bytes, SLAB.data);
    const result = native.setOption(this.state.id, ...numbers, length);
    if (result < 0) throw this.#rawError('setRaw', 'setsockopt', level, name, result);
  }

  #rawNumbers(level: unknown, name: unknown): readonly [level: number, name: number] {
    const numbers = [levelNumber(level, 'level'), optionNumber(name, 'name')] as const;
    // The system would follow the address wherever it leads, into memory that nobody here knows of.
    if (this.state.space.module.valueHoldsAddress(...numbers))
      throw new RangeError(`${String(name)}: its value holds an address of memory, and has no raw form`);
    return numbers;
  }

  #rawError(op: string, syscall: string, level: unknown, name: unknown, result: number): Error {
    const call: CallRow = { op: `${op} ${String(level)} ${String(name)}`, syscall, direction: 'read' };
    return callError(this.state, call, result);
  }

  /**
   * The process at the other end of a Unix socket, as a descriptor: unlike its number it cannot come to mean another.
   *
   * @returns a descriptor of the caller's
   * @throws {SystemError} ENOPROTOOPT (Linux before 6.5), EOPNOTSUPP (no Unix socket), ENODATA, ESRCH (it has ended)
   * @see pidfd_open(2)
   */
  peerPidfd(): Descriptor {
    const { native, words, module } = this.state.space;
    const { AF_UNIX, SOL_SOCKET, SO_PEERPIDFD } = module.constants;
    if (this.family !== AF_UNIX && !this.isClosed)
      throw callError(this.state, PEER_PIDFD, -module.errorNumbers.EOPNOTSUPP);
    const result = native.getOption(this.state.id, SOL_SOCKET, SO_PEERPIDFD, 4);
    if (result < 0) throw callError(this.state, PEER_PIDFD, result);
    return new Descriptor(native.adopt(words[SLAB.data / 4] ?? -1, true), OWN);
  }
}

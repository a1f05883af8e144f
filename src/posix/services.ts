/** Services and protocols by name and by number. */
import { loadNative } from '../addon/load.ts';
import { systemError } from '../addon/system-errors.ts';
import { integer, optional, outOfRange, wrongType } from '../base/rules.ts';

/** @see services(5) */
export interface Service {
  /** The official name. */
  readonly name: string;
  readonly aliases: readonly string[];
  readonly port: number;
  /** The name of its protocol: `tcp`, `udp`. */
  readonly protocol: string;
}

/** @see protocols(5) */
export interface Protocol {
  /** The official name. */
  readonly name: string;
  readonly aliases: readonly string[];
  /** An `IPPROTO_…` number. */
  readonly number: number;
}

const MAX_NAME = 255;

function entryName(value: unknown, name: string): string {
  const expected = `a name of 1 to ${String(MAX_NAME)} characters, without NUL`;
  if (typeof value !== 'string') throw wrongType(name, expected, value);
  const isName = value !== '' && value.length <= MAX_NAME && !/[\0\p{Surrogate}]/u.test(value);
  if (!isName) throw outOfRange(name, expected, value);
  return value;
}

const protocolName = optional(entryName);
const port = integer(0, 65535);
const protocolNumber = integer(0, 2 ** 31 - 1);

/** What the system found, `null` for nothing. A number is its errno. */
function found<T extends object>(answer: T | number | null, syscall: string, op: string): T | null {
  if (typeof answer === 'number') throw systemError(answer, syscall, { op });
  return answer;
}

/**
 * The service of a name or an alias. Read at once from the machine's table, as are the others here.
 *
 * @param protocol left out, the first of any
 * @returns `null` if there is none
 * @throws {SystemError} the table cannot be read
 * @see getservbyname(3)
 */
export function serviceByName(name: string, protocol?: string): Service | null {
  const answer = loadNative().serviceByName(
    entryName(name, 'name'),
    protocolName(protocol, 'protocol') ?? null,
  );
  return found(answer, 'getservbyname', 'serviceByName');
}

/**
 * The service of a port.
 *
 * @param protocol left out, the first of any
 * @returns `null` if there is none
 * @throws {SystemError} the table cannot be read
 * @see getservbyport(3)
 */
export function serviceByPort(number: number, protocol?: string): Service | null {
  const answer = loadNative().serviceByPort(port(number, 'port'), protocolName(protocol, 'protocol') ?? null);
  return found(answer, 'getservbyport', 'serviceByPort');
}

/**
 * The protocol of a name or an alias: `tcp`, `ICMP`.
 *
 * @returns `null` if there is none
 * @throws {SystemError} the table cannot be read
 * @see getprotobyname(3)
 */
export function protocolByName(name: string): Protocol | null {
  return found(loadNative().protocolByName(entryName(name, 'name')), 'getprotobyname', 'protocolByName');
}

/**
 * The protocol of a number.
 *
 * @returns `null` if there is none
 * @throws {SystemError} the table cannot be read
 * @see getprotobynumber(3)
 */
export function protocolByNumber(number: number): Protocol | null {
  const answer = loadNative().protocolByNumber(protocolNumber(number, 'number'));
  return found(answer, 'getprotobynumber', 'protocolByNumber');
}

/**
 * Names, as the native module looks them up. Text has no NUL and is not longer than a name can be; anything else throws
 * a `RangeError`, and a wrong type a `TypeError`, before anything is asked.
 */

/** What getaddrinfo(3) answers for one address and one type of socket. */
export interface NativeAddressInfo {
  readonly family: number;
  readonly type: number;
  readonly protocol: number;
  readonly flags: number;
  /** The address in the kernel's form. */
  readonly sockaddr: Uint8Array;
  readonly canonicalName: string | null;
}

/** What a lookup came to. */
export interface NativeAnswer {
  /** 0, or an `EAI_` number. */
  readonly code: number;
  /** With `EAI_SYSTEM`: the errno. */
  readonly errno: number;
  /** Of a question for addresses. */
  readonly addresses: readonly NativeAddressInfo[];
  /** Of a question for names. */
  readonly host: string;
  readonly service: string;
}

/** The arguments of getaddrinfo(3). */
export type AddressQuestion = readonly [
  host: string | null,
  service: string | null,
  family: number,
  type: number,
  protocol: number,
  flags: number,
];

/** The arguments of getnameinfo(3). */
export type NameQuestion = readonly [sockaddr: Uint8Array, flags: number];

/** Is told the answer to one question, on the thread that asked it. */
export type AnswerHandler = (id: number, answer: NativeAnswer) => void;

/**
 * Lookups on threads of the process's own pool. While an answer is to come, it keeps the process alive. The functions
 * are bound to their object and need no `this`.
 */
export interface NativeNames {
  /** @returns an id; -EBUSY if too much waits already, or another negative errno if there is no thread for it */
  askAddresses(...question: AddressQuestion): number;
  askNames(...question: NameQuestion): number;
  /** No answer will come. One that has come, or was never to, is passed over. */
  cancel(id: number): void;
}

/** A row of services(5). */
export interface NativeService {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly port: number;
  readonly protocol: string;
}

/** A row of protocols(5). */
export interface NativeProtocol {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly number: number;
}

export interface NativeInterfaceAddress {
  /** Of `FAMILY`: 4 or 6. */
  readonly family: number;
  readonly bytes: Uint8Array;
  readonly prefixLength: number;
  readonly broadcast: Uint8Array | null;
  readonly peer: Uint8Array | null;
}

export interface NativeInterface {
  readonly name: string;
  readonly index: number;
  readonly flags: number;
  readonly mtu: number;
  readonly hardwareType: number;
  /** Empty where there is none. */
  readonly hardwareAddress: Uint8Array;
  readonly addresses: readonly NativeInterfaceAddress[];
}

/** The part of the native module that is about names. A number instead of an object is a negative errno. */
export interface NativeNameFunctions {
  createNames(onAnswer: AnswerHandler): NativeNames;
  /** getaddrinfo(3). Blocks. */
  findAddresses(...question: AddressQuestion): NativeAnswer;
  /** getnameinfo(3). Blocks. */
  findNames(...question: NameQuestion): NativeAnswer;
  serviceByName(name: string, protocol: string | null): NativeService | number | null;
  serviceByPort(port: number, protocol: string | null): NativeService | number | null;
  protocolByName(name: string): NativeProtocol | number | null;
  protocolByNumber(number: number): NativeProtocol | number | null;
  /** All of the network namespace, also those that are down, by index. */
  interfaces(): readonly NativeInterface[] | number;
  interfaceIndex(name: string): number;
  interfaceName(index: number): string | number;
}

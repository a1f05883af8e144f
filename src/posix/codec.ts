/** How values are laid out for the kernel: what every codec is. */

/** Reads an interface's number from its name. @throws {SystemError} ENODEV */
export type InterfaceIndex = (name: string) => number;

/** What codecs may ask of the system. */
export interface CodecContext {
  readonly interfaceIndex: InterfaceIndex;
}

/**
 * A value of type `T` between JavaScript and the bytes of a C struct, 64-bit and little-endian. `In` is what is accepted
 * for writing, where that is more than what is read.
 */
export interface Codec<T, In = T> {
  /** Room for reading, in bytes. What comes back may be shorter or, if the system has a newer struct, be cut. */
  readonly size: number;
  /**
   * Judges a value of the caller's and lays it out. @param name what to call it in messages: `SO_LINGER`
   * @throws {TypeError | RangeError} naming the field
   */
  encode(value: In, name: string, context: CodecContext): Uint8Array;
  /**
   * Reads what the system wrote. @param bytes as many as it wrote; valid only during the call
   * @throws {RangeError} there are too few
   */
  decode(bytes: Uint8Array): T;
}

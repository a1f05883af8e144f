/**
 * Sockets as the native module gives them to one thread: one function for each system call, over memory that both sides
 * see (the slab). Every call takes numbers; bytes, names and control data lie in the slab, so nothing of JavaScript's is
 * held during a call. A wrong type throws a `TypeError`, a number out of range or a place outside of the slab a
 * `RangeError`. What the system refuses is answered, as a negative errno. EINTR is retried within.
 *
 * Every descriptor made here is close-on-exec and non-blocking from birth, and with such a one no call but `poll` and
 * `wait` ever waits. With one that was adopted or set to block, calls do that have no `MSG_DONTWAIT`.
 *
 * What a call leaves in the slab lasts until the next call or event. The places that the records of one call name must
 * not overlap: what is received there is garbled then, and descriptors that come are lost.
 */

/** Bytes of the slab. */
export const SLAB_SIZE: number = 4 * 1024 * 1024;

/** Where things lie in the slab, in bytes from its start. */
export const SLAB = {
  /** Records of messages, `RECORD_SIZE` bytes each, and what calls answer besides their result. */
  records: 0,
  /** The name (a `sockaddr`) that a call takes or fills. */
  name: 32768,
  /** Bytes to be sent or received, option values, and all that messages' records point to: up to the slab's end. */
  data: 33024,
} as const;

/** A `sockaddr` is never longer. */
export const NAME_SIZE = 128;

/** Messages of one call. @see sendmmsg(2), UIO_MAXIOV */
export const MAX_MESSAGES = 1024;

/** 32-bit words of a message's record. Offsets are bytes from the start of the slab, lengths are bytes. */
export const RECORD = {
  dataOffset: 0,
  /** Room for data, or their length. After receiving: what the system answered, which is more with `MSG_TRUNC`. */
  dataLength: 1,
  nameOffset: 2,
  /** 0 for no name; when receiving room for one, afterwards its length. */
  nameLength: 3,
  controlOffset: 4,
  /** When receiving room for control data, afterwards its length. */
  controlLength: 5,
  /** After receiving: `msg_flags`. */
  flags: 6,
  /** After receiving: how many control messages there are; their entries stand right behind the room for control data. */
  controlCount: 7,
} as const;
export const RECORD_WORDS = 8;
export const RECORD_SIZE = 32;

/**
 * 32-bit words of an entry that describes a control message that was received. Entries are `ENTRY_WORDS * 4` bytes each,
 * and begin at the first multiple of 8 at or after `controlOffset + ` the room that was given; the caller keeps
 * `controlRoom / CONTROL_HEADER + 1` of them free there.
 */
export const ENTRY = { level: 0, type: 1, offset: 2, length: 3 } as const;
export const ENTRY_WORDS = 4;

/** Which number `NativeSockets.count` asks for. */
export const COUNT = { unread: 0, unsent: 1, atMark: 2 } as const;

/** Kinds of readiness, as bits. */
export const READINESS = { readable: 1, writable: 2, hangup: 4, urgent: 8, failed: 16 } as const;

/**
 * Told of readiness: pairs of slot and `READINESS` bits stand in the records, `count` of them. What it throws is an
 * uncaught exception, and the next events come all the same.
 */
export type ReadyHandler = (count: number) => void;

/**
 * The sockets of one thread. An id is `generation * 2 ** 20 + slot`, and never comes twice; -EBADF is answered for one
 * that is gone. When the thread ends, what is owned and still open is closed.
 */
export interface NativeSockets {
  /** The shared memory, seen anew with each call: a program that transfers such a view away loses only that. */
  slab(): Uint8Array;

  // --- descriptors ---
  /** @returns an id */
  socket(family: number, type: number, protocol: number): number;
  /** @returns the first id; the slot of the second is word 0 of the records */
  pair(family: number, type: number, protocol: number): number;
  /** Begins to look after a descriptor. One that is not `owned` is never closed. @returns an id, or -EBADF */
  adopt(fd: number, owned: boolean): number;
  /** The id in a slot, or -EBADF. */
  idAt(slot: number): number;
  /** Gives the descriptor up. @returns its number, which is the caller's now */
  release(id: number): number;
  /** Closes an owned descriptor, lets go of a lent one. @returns 0, also where the system reports an error of closing */
  close(id: number): number;
  /** The descriptor's number. */
  descriptor(id: number): number;
  /** A duplicate, owned and close-on-exec (F_DUPFD_CLOEXEC). @returns its id */
  duplicate(id: number): number;
  /** Has programs that the process starts not inherit the descriptor. */
  closeOnExec(id: number): number;
  /** Whether calls on the open file wait (O_NONBLOCK), for all who share it. */
  setBlocking(id: number, isBlocking: boolean): number;
  /** Ids that are open. */
  live(): number;

  // --- names: in and out at `SLAB.name`; calls that fill it answer its length ---
  bind(id: number, nameLength: number): number;
  /** Also to disconnect, by a name of AF_UNSPEC. @returns 0, -EINPROGRESS, or -EINTR: then it goes on by itself */
  connect(id: number, nameLength: number): number;
  listen(id: number, backlog: number): number;
  /** @returns an id; the length of the peer's name is word 0 of the records */
  accept(id: number): number;
  localAddress(id: number): number;
  remoteAddress(id: number): number;
  shutdown(id: number, how: number): number;

  // --- bytes: at `SLAB.data`, or in the caller's own memory ---
  send(id: number, length: number, flags: number): number;
  /** @param bytes over memory that is not shared */
  sendBytes(id: number, bytes: Uint8Array, flags: number): number;
  sendTo(id: number, length: number, flags: number, nameLength: number): number;
  recv(id: number, length: number, flags: number): number;
  /** @param bytes over memory that is not shared */
  recvBytes(id: number, bytes: Uint8Array, flags: number): number;
  /** The length of the sender's name is word 0 of the records: 0 if the system told none. */
  recvFrom(id: number, length: number, flags: number): number;

  // --- messages: the records from 0 on ---
  /** sendmsg(2) of record 0. -EINVAL for control messages that hold an address of memory. @returns bytes sent */
  sendMessage(id: number, flags: number): number;
  /** sendmmsg(2). @returns how many went out */
  sendMessages(id: number, count: number, flags: number): number;
  /**
   * recvmsg(2) into record 0. Descriptors that came are adopted at once: in the payload of SCM_RIGHTS each is replaced
   * by its slot, or by -1 where there was no room for it and it was closed. So is the one of SCM_PIDFD.
   */
  recvMessage(id: number, flags: number): number;
  /** recvmmsg(2). @returns how many came */
  recvMessages(id: number, count: number, flags: number): number;

  // --- options: the value at `SLAB.data` ---
  /**
   * @param length room, and what is there to be read for options that are asked with a value. The value of SO_PEERPIDFD
   *   is a descriptor that nobody looks after yet; -EINVAL if there is no room for it, or where `setOption` answers that
   * @returns its length
   */
  getOption(id: number, level: number, name: number, length: number): number;
  /** -EINVAL for options whose value holds an address of memory: there `attachFilter` is the way. */
  setOption(id: number, level: number, name: number, length: number): number;
  /** Options that take a classic BPF program: `count` instructions of 8 bytes at `SLAB.data`. */
  attachFilter(id: number, level: number, name: number, count: number): number;
  /** The attached filter (SO_GET_FILTER), into `SLAB.data`. @returns its instructions */
  readFilter(id: number): number;
  /** @param which of `COUNT` */
  count(id: number, which: number): number;

  // --- waiting ---
  /**
   * poll(2) of `count` times fd, events and revents, one word each, at `SLAB.data`; a negative fd is passed over. Blocks
   * the thread. @param timeout milliseconds, -1 for ever. @returns how many have something to tell
   */
  poll(count: number, timeout: number): number;
  /** poll(2) of one. @returns revents, 0 when the time is up */
  wait(id: number, events: number, timeout: number): number;
  /**
   * Has `onReady` told of what changes from now on (`READINESS`), and, the first time, of what is so already. To be called
   * when an attempt has met "would block" in this direction, each time anew: what stays as it was is not told again.
   * Events of the other direction may come, too, and such that turn out to be for nothing.
   */
  watch(id: number, interest: number): number;
  /** Ends that. */
  unwatch(id: number): number;
  /** Whether a watch keeps the process alive. */
  reference(isOn: boolean): void;
  /** Closes every owned descriptor now. Further calls throw. */
  dispose(): void;
}

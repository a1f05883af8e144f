/** Bridges between the promise API, Node, and other processes. */
export type { Ownership } from '../engine/adopt.ts';
export { fileDescriptor } from './file-descriptor.ts';
export type { AnySocket } from './file-descriptor.ts';
export { fromFd } from './from-fd.ts';
export type { FromFdOptions, SocketOfFd } from './from-fd.ts';
export { fromSocket } from './from-socket.ts';
export type { FromSocketOptions } from './from-socket.ts';
export { handToServer } from './hand-over.ts';
export { HandleChannel, handleChannel } from './handles.ts';
export type { Handle, HandleMessage } from './handles.ts';
export { listenFds } from './listen-fds.ts';
export type { ListenFdsOptions, PassedSocket } from './listen-fds.ts';
export { notify, watchdog } from './notify.ts';
export type { ServiceState, Watchdog, WatchdogOptions } from './notify.ts';
export { toDuplex } from './to-duplex.ts';

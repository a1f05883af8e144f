/** What the API needs of whoever makes it. */
import type { IpAddress } from '../../base/address.ts';
import type { SocketProvider } from '../../base/provider.ts';

/** Whether a program may do something: `depends`, if that is told only by the addresses that a name is resolved to. */
export type Permit = 'depends' | 'no' | 'yes';

export type GatedOp = 'tcp-connect' | 'tcp-listen' | 'udp-bind' | 'udp-multicast-membership' | 'udp-send-to';

/** What a program holds, in the words of its manifest. */
export interface PermissionHost {
  permits(op: GatedOp, host: string, port: number): Permit;
  /** Whether anything at all is held that allows `op`: only then is there a function for it. */
  allowsSome(op: GatedOp): boolean;
  /** What would have to be granted for this. */
  wordPermission(op: GatedOp, host: string, port: number): string;
  contains(permissions: readonly string[]): boolean;
  request(permissions: readonly string[]): Promise<boolean>;
  remove(permissions: readonly string[]): Promise<boolean>;
  getAll(): readonly string[];
  onAdded(listener: (permissions: readonly string[]) => void): void;
  onRemoved(listener: (permissions: readonly string[]) => void): void;
}

export interface TcpSocketHost {
  /** Guarded by the same permissions. */
  readonly provider: SocketProvider;
  readonly permissions: PermissionHost;
  /** The number of the interface that has an address of this machine. Rejects if interfaces are not known by number. */
  readonly interfaceIndex: (address: IpAddress) => Promise<number | undefined>;
  /** Runs a task of its own, behind all microtasks. */
  readonly defer: (task: () => void) => void;
  /** Told what listeners throw. */
  readonly report: (error: unknown) => void;
  /** Whether `closed` rejects when a connection broke. */
  readonly closedRejects: boolean;
}

/** What `browser` hands out, and has to close when it ends. */
export interface Closable {
  closeImmediately(): Promise<void>;
}

/** All that is open, so that the end of the program closes it. */
export type OpenSockets = Set<Closable>;

/** What the sockets of this API are made of: for whoever bridges them to something else. */
import type { Datagram, Listener, Stream } from '../../base/provider.ts';

/** A socket of the contract. */
export type Below = Stream | Listener | Listener<Datagram> | Datagram;

const BELOW = new WeakMap<object, Below>();

/** Remembers what `front` is made of, until it gives that away. */
export function setBelow(front: object, socket: Below): void {
  BELOW.set(front, socket);
}

/** `front` has given its socket away. */
export function forgetBelow(front: object): void {
  BELOW.delete(front);
}

/** What `front` is made of; `undefined` if it has given it away, or is no socket of this API. */
export function below(front: object): Below | undefined {
  return BELOW.get(front);
}

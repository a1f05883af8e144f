/** Ways to make message sockets, and the providers of them, wrong. */
import type {
  BindOptions,
  Datagram,
  DatagramReadOptions,
  DatagramSink,
  OutgoingDatagram,
  PacketListener,
  ReceivedDatagram,
  SocketProvider,
  WriteDone,
} from '../../base/provider.ts';
import { altered, type Overrides } from './mutations.ts';

export type Mutation = (socket: Datagram) => Overrides<Datagram>;
export type ProviderMutation = (provider: SocketProvider) => Overrides<SocketProvider>;

type Send = Datagram['send'];

/** Replaces `send`. What is no message stays none, or another mistake would be made as well. */
export function onSend(wrap: (send: Send, message: OutgoingDatagram, done?: WriteDone) => boolean): Mutation {
  return (s) => {
    const send: Send = (message, done) => s.send(message, done);
    return {
      send: (message: OutgoingDatagram | null, done?: WriteDone) =>
        typeof message === 'object' && message !== null
          ? wrap(send, message, done)
          : s.send(message as never, done),
    };
  };
}

export function onMessage(change: (message: OutgoingDatagram) => OutgoingDatagram): Mutation {
  return onSend((send, message, done) => send(change(message), done));
}

export function onSendMany(change: (list: readonly OutgoingDatagram[]) => OutgoingDatagram[]): Mutation {
  return (s) => ({
    sendMany: (list: readonly OutgoingDatagram[]) => {
      const changed = change(list);
      return s.sendMany(changed) + list.length - changed.length;
    },
  });
}

/** The methods of a sink, free of it. */
export function bound(sink: DatagramSink): DatagramSink {
  return {
    receive: (datagram) => {
      sink.receive(datagram);
    },
    drain: () => sink.drain?.(),
    error: (error) => sink.error?.(error),
    close: (error) => {
      sink.close(error);
    },
  };
}

export function onSink(wrap: (sink: DatagramSink) => DatagramSink): Mutation {
  return (s) => ({
    start: (sink: DatagramSink, options?: DatagramReadOptions) => {
      s.start(wrap(sink), options);
    },
  });
}

export function onReceive(receive: (sink: DatagramSink, datagram: ReceivedDatagram) => void): Mutation {
  return onSink((sink) => ({
    ...bound(sink),
    receive: (datagram) => {
      receive(sink, datagram);
    },
  }));
}

export function inALargerBuffer(bytes: Uint8Array): Uint8Array {
  const large = new Uint8Array(bytes.length + 1);
  large.set(bytes);
  return large.subarray(0, bytes.length);
}

export function binding(change: (options: object) => object): ProviderMutation {
  return (p) => ({
    bind: (options: BindOptions | null) =>
      p.bind((typeof options === 'object' && options !== null ? change(options) : options) as never),
  });
}

export function listening(mutate: (listener: PacketListener) => Overrides<PacketListener>): ProviderMutation {
  return (p) => ({
    listenPackets: async (options: never) => {
      const listener = await p.listenPackets(options);
      return altered(listener, mutate(listener));
    },
  });
}

/** Every message socket that a provider makes, made wrong. */
export function sockets(mutate: Mutation): ProviderMutation {
  return (p) => ({
    bind: async (options: never) => {
      const socket = await p.bind(options);
      return altered(socket, mutate(socket));
    },
    listenPackets: async (options: never) => {
      const listener = await p.listenPackets(options);
      return altered(listener, {
        start: (sink: { accept(socket: Datagram): void; close(error: null): void }) => {
          listener.start({
            accept: (socket) => {
              sink.accept(altered(socket, mutate(socket)));
            },
            close: (error) => {
              sink.close(error as null);
            },
          });
        },
      });
    },
  });
}

/** Rules for what makers are given: not values, but objects and functions that they will call. */
import type { Clock } from './clock.ts';
import type { SocketProvider } from './provider.ts';
import type { Rule } from './rules.ts';
import type { TlsUpgrader } from './tls-upgrader.ts';
import { requireFunction, requireObject, wrongType } from './rules.ts';

/** An object that has these methods. @param expected what it is, for messages */
function having<T>(expected: string, ...methods: readonly (string & keyof T)[]): Rule<T> {
  return (value, name) => {
    const isObject = typeof value === 'object' && value !== null;
    if (!isObject || methods.some((method) => typeof Reflect.get(value, method) !== 'function'))
      throw wrongType(name, expected, value);
    return value as T;
  };
}

export const clockRule: Rule<Clock> = having<Clock>('a clock, with now and setTimer', 'now', 'setTimer');

export const providerRule: Rule<SocketProvider> = having<SocketProvider>(
  'a provider, such as localProvider() makes',
  ...(['connect', 'listen', 'bind', 'resolve', 'close'] as const),
);

export const tlsRule: Rule<TlsUpgrader> = having<TlsUpgrader>(
  'what speaks TLS, such as nodeTls',
  ...(['prepare', 'handshake'] as const),
);

/** A function, which is not called here. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- says what is let through
export function callback<F>(value: unknown, name: string): F {
  requireFunction(value, name);
  return value as F;
}

/** An object, of which is judged later what is in it. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- says what is let through
export function object<T extends object>(value: unknown, name: string): T {
  return requireObject(value, name) as T;
}

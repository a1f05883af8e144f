import { callback } from '../base/maker-rules.ts';
import type { Rules } from '../base/rules.ts';
import { optional, readOptions, requireObject } from '../base/rules.ts';
import { formatHostPort, parseHostPort } from './host-port.ts';
import { ANY_HOST } from './host-pattern.ts';
import type { SocketOp } from './ops.ts';
import { OPS as ALL_OPS } from './ops.ts';
import type { Rule } from './rule.ts';
import { uniqueRules } from './rule.ts';
import { PermissionSyntaxError } from './syntax-error.ts';

/** Ops that the permission `{"socket": […]}` can name. */
const OPS: ReadonlySet<string> = new Set<SocketOp>([
  'network-state',
  'resolve-host',
  'resolve-proxy',
  'tcp-connect',
  'tcp-listen',
  'udp-bind',
  'udp-multicast-membership',
  'udp-send-to',
]);

function isOp(text: string): text is SocketOp {
  return OPS.has(text);
}

/**
 * Reads one rule of the permission `{"socket": […]}`: `tcp-connect:*.example.com:80`, `udp-bind::8080`, `resolve-host`.
 *
 * @throws {PermissionSyntaxError}
 */
export function parseSocketRule(text: string): Rule {
  const [op = '', ...rest] = text.split(':');
  if (isOp(op)) {
    if (ALL_OPS[op].subject !== 'address') {
      if (rest.length === 0) return { effect: 'allow', op, host: ANY_HOST, ports: null };
    } else {
      const parsed = parseHostPort(rest);
      if (parsed !== null) return { effect: 'allow', op, ...parsed };
    }
  }
  throw new PermissionSyntaxError(`Cannot parse the socket rule ${JSON.stringify(text)}`, [], { text });
}

/** One rule of the permission in canonical form: `tcp-connect:*.example.com:80`. @returns `undefined` if it cannot be written so */
export function formatSocketRule(rule: Rule): string | undefined {
  const { effect, op, host, ports } = rule;
  if (effect === 'deny' || !OPS.has(op)) return undefined;
  if (ALL_OPS[op].subject !== 'address') return host.kind === 'any' ? op : undefined;
  const text = formatHostPort({ host, ports });
  return text === undefined ? undefined : `${op}:${text}`;
}

/** What to do with an item of the list that cannot be read. */
export interface SocketPermissionOptions {
  /** Called with it, and the others stay. Without this, it is thrown. */
  readonly onUnknown?: ((error: PermissionSyntaxError) => void) | undefined;
}

const OPTIONS: Rules<{ onUnknown: SocketPermissionOptions['onUnknown'] }> = {
  onUnknown: optional(callback<(error: PermissionSyntaxError) => void>),
};

function parseItem(item: unknown, index: number): Rule {
  if (typeof item === 'string') {
    try {
      return parseSocketRule(item);
    } catch (error) {
      if (!(error instanceof PermissionSyntaxError)) throw error;
    }
  }
  const shown = JSON.stringify(item) as string | undefined;
  throw new PermissionSyntaxError(`Cannot parse an item from the permission list: ${shown ?? 'undefined'}`, [
    index,
  ]);
}

/**
 * Reads the value of the permission `{"socket": […]}` of older Chrome Apps.
 *
 * @returns the rules, without repetitions.
 * @throws {PermissionSyntaxError} `value` is no list, has no item that can be read, or has one that cannot and `onUnknown`
 *   is not given; `path` is the item's place in the list
 */
export function parseSocketPermission(
  value: unknown,
  options: SocketPermissionOptions = {},
): readonly Rule[] {
  const { onUnknown } = readOptions(requireObject(options, 'options'), OPTIONS);
  if (!Array.isArray(value)) {
    const isMissing = value === undefined || value === null;
    throw new PermissionSyntaxError(
      isMissing ? 'NULL or empty permission list' : "Cannot parse the permission list. It's not a list.",
    );
  }
  const rules: Rule[] = [];
  for (const [index, item] of (value as readonly unknown[]).entries()) {
    try {
      rules.push(parseItem(item, index));
    } catch (error) {
      if (!(error instanceof PermissionSyntaxError) || onUnknown === undefined) throw error;
      onUnknown(error);
    }
  }
  if (rules.length === 0) throw new PermissionSyntaxError('NULL or empty permission list');
  return uniqueRules(rules);
}

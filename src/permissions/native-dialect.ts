/**
 * Portside's own way to write permissions:
 *
 * ```text
 * tcp-connect:example.com:443          one host, one port
 * tcp-connect:*.example.com:80,443     everything below a name (.example.com: and itself)
 * tcp-connect:10.0.0.0/8:8000-8010     a network, a range of ports
 * tcp-listen:[::1]:*                   any port, also a free one
 * unix-connect:/run/app/*              sockets in a folder (@name: abstract ones)
 * unix:/run/app.sock                   to connect and to listen
 * deny tcp-connect:169.254.0.0/16:*    a deny beats every allow
 * ```
 */
import { ANY_HOST } from './host-pattern.ts';
import type { SocketOp } from './ops.ts';
import { OPS, isOp, opsOf } from './ops.ts';
import type { Rule } from './rule.ts';
import { uniqueRules } from './rule.ts';
import type { Piece } from './rule-text.ts';
import {
  fault,
  readHostPattern,
  readPathPattern,
  readPorts,
  readProtocol,
  slice,
  splitHostPort,
} from './rule-text.ts';
import { PermissionSyntaxError } from './syntax-error.ts';

const DENY = 'deny ';
const BOTH_UNIX = 'unix';
const SYNTAX = { hasNetworks: true } as const;

/**
 * Reads one permission. `unix:PATH` makes two rules, all others one.
 *
 * @throws {PermissionSyntaxError} with `text` and `offset`
 */
export function parseRule(text: string): readonly Rule[] {
  const effect = text.startsWith(DENY) ? 'deny' : 'allow';
  const whole: Piece = { whole: text, text, offset: 0 };
  const rest = effect === 'deny' ? slice(whole, DENY.length) : whole;
  const colon = rest.text.indexOf(':');
  const name = colon < 0 ? rest.text : rest.text.slice(0, colon);
  const subject = colon < 0 ? undefined : slice(rest, colon + 1);
  if (name === BOTH_UNIX)
    return opsOf('path').map((op) => ({ effect, op, ...readSubject(op, rest, subject) }));
  if (!isOp(name))
    throw fault(rest, `${JSON.stringify(name)} is none of ${Object.keys(OPS).join(', ')}, ${BOTH_UNIX}`);
  return [{ effect, op: name, ...readSubject(name, rest, subject) }];
}

function readSubject(op: SocketOp, rest: Piece, subject: Piece | undefined): Pick<Rule, 'host' | 'ports'> {
  const kind = OPS[op].subject;
  if (kind === 'address') {
    if (subject === undefined) throw fault(rest, `write where: ${op}:HOST:PORT, or ${op}:*:* for everywhere`);
    const [host, ports] = splitHostPort(subject);
    return { host: readHostPattern(host, SYNTAX), ports: readPorts(ports) };
  }
  if (subject === undefined) return { host: ANY_HOST, ports: null };
  switch (kind) {
    case 'host':
      return { host: readHostPattern(subject, SYNTAX), ports: null };
    case 'path':
      return { host: readPathPattern(subject), ports: null };
    case 'protocol':
      return { host: readProtocol(subject), ports: null };
    case 'none':
      throw fault(subject, `${op} stands alone`);
  }
}

/**
 * Reads a list of permissions.
 *
 * @returns the rules, without repetitions
 * @throws {PermissionSyntaxError} at the first that cannot be read; `path` is its place in the list
 */
export function parseRules(texts: readonly string[]): readonly Rule[] {
  return uniqueRules(texts.flatMap((text, index) => located(index, () => parseRule(text))));
}

/** Adds to a syntax error where in a list it is. */
export function located<T>(index: number | string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof PermissionSyntaxError)) throw error;
    const { message, path, text, offset } = error;
    throw new PermissionSyntaxError(message, [index, ...path], { text, offset });
  }
}

/** The one form of a permission, whichever dialect it was written in. */
import type { IpAddress } from '../base/address.ts';
import { formatHost } from './host-pattern.ts';
import type { HostPattern } from './host-pattern.ts';
import type { SocketOp } from './ops.ts';
import { OPS } from './ops.ts';
import type { PortSet } from './ports.ts';
import { formatPorts } from './ports.ts';

/** One line of what a program may do, or may not. */
export interface Rule {
  /** A `deny` beats every `allow`. */
  readonly effect: 'allow' | 'deny';
  readonly op: SocketOp;
  /** `any` where the op says nothing of where. */
  readonly host: HostPattern;
  /** Of ops that have no ports: `null`. */
  readonly ports: PortSet;
}

/** One thing that a program asks to do. */
export interface SocketRequest {
  readonly op: SocketOp;
  /**
   * The host exactly as the program wrote it, before any look-up; the path for the ops of Unix sockets, the protocol for
   * those of raw ones, and `''` where the op has none.
   */
  readonly host: string;
  /** 0 where the op has no port, or asks for a free one. */
  readonly port: number;
  /** An address that `host` was resolved to: whether this one may be used. Left out, the question is about the name. */
  readonly address?: IpAddress | undefined;
}

/** What a rule says of where, in canonical form: `*.example.com:80`, `*:*`, `/run/x.sock`; `''` where the op says nothing. */
export function formatSubject({ op, host, ports }: Pick<Rule, 'op' | 'host' | 'ports'>): string {
  switch (OPS[op].subject) {
    case 'address':
      return `${formatHost(host)}:${formatPorts(ports)}`;
    case 'host':
    case 'path':
    case 'protocol':
      return host.kind === 'any' ? '' : formatHost(host);
    case 'none':
      return '';
  }
}

/**
 * A rule in canonical form, which is that of the native dialect: `tcp-connect:*.example.com:80`, `resolve-host`,
 * `deny tcp-connect:10.0.0.0/8:*`.
 */
export function formatRule(rule: Rule): string {
  const subject = formatSubject(rule);
  const text = subject === '' ? rule.op : `${rule.op}:${subject}`;
  return rule.effect === 'deny' ? `deny ${text}` : text;
}

/** The rules without repetitions, in the order in which each first came. */
export function uniqueRules(rules: readonly Rule[]): readonly Rule[] {
  const seen = new Map<string, Rule>();
  for (const rule of rules) if (!seen.has(ruleKey(rule))) seen.set(ruleKey(rule), rule);
  return [...seen.values()];
}

/** Two rules that mean the same have the same. */
export function ruleKey(rule: Rule): string {
  const { host } = rule;
  const isLiteral = 'isLiteral' in host && host.isLiteral;
  return `${formatRule(rule)}${isLiteral ? ' literally' : ''}`;
}

/**
 * `portside/permissions`: what a program may do with sockets, and a provider that holds it to that.
 *
 * @module
 */
export { DeniedError } from '../base/errors.ts';
export { guard } from '../permissions/guard.ts';
export { matchesRule } from '../permissions/matcher.ts';
export { allowAll, denyAll, rulesPolicy } from '../permissions/policy.ts';
export type { Decision, Policy } from '../permissions/policy.ts';
export { formatHostPort, formatRule } from '../permissions/rule.ts';
export type { HostPattern, SocketOp, SocketRequest, SocketRule } from '../permissions/rule.ts';
export { parseSocketPermission, parseSocketRule } from '../permissions/socket-permission.ts';
export type { SocketPermissionOptions } from '../permissions/socket-permission.ts';
export { parseSocketsKey } from '../permissions/sockets-key.ts';
export { PermissionSyntaxError } from '../permissions/syntax-error.ts';

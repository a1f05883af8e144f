/**
 * `portside/permissions`: what a program may do with sockets, and a provider that holds it to that.
 *
 * @module
 */
export { DeniedError } from '../base/errors.ts';
export { describeRule, describeRules, REACHES } from '../permissions/describe.ts';
export type { Description, Reach } from '../permissions/describe.ts';
export { GrantFileError, grantFiles } from '../permissions/grant-files.ts';
export type { GrantFiles, Remembered } from '../permissions/grant-files.ts';
export { Grants, UndeclaredError } from '../permissions/grants.ts';
export type { GrantsOptions, GrantStore } from '../permissions/grants.ts';
export { guard } from '../permissions/guard.ts';
export type { GuardOptions } from '../permissions/guard.ts';
export type { HostPattern } from '../permissions/host-pattern.ts';
export { readManifestPermissions } from '../permissions/manifest-permissions.ts';
export type { ManifestPermissions } from '../permissions/manifest-permissions.ts';
export { matchesRule } from '../permissions/matcher.ts';
export { parseRule, parseRules } from '../permissions/native-dialect.ts';
export { OPS } from '../permissions/ops.ts';
export type { SocketOp } from '../permissions/ops.ts';
export { allowAll, denyAll, judge, rulesPolicy } from '../permissions/policy.ts';
export type { Decide, Decision, LivePolicy, Policy, RulesPolicyOptions } from '../permissions/policy.ts';
export type { PortRange, PortSet } from '../permissions/ports.ts';
export type { Answer, Asker, Prompt, Question } from '../permissions/questions.ts';
export { covers, implies, meets } from '../permissions/relations.ts';
export { formatRule } from '../permissions/rule.ts';
export type { Rule, SocketRequest } from '../permissions/rule.ts';
export {
  formatSocketRule,
  parseSocketPermission,
  parseSocketRule,
} from '../permissions/socket-permission.ts';
export type { SocketPermissionOptions } from '../permissions/socket-permission.ts';
export { formatSocketsKey, parseSocketsKey } from '../permissions/sockets-key.ts';
export { PermissionSyntaxError } from '../permissions/syntax-error.ts';
export {
  formatWebExtensionPermission,
  isSocketPermission,
  parseWebExtensionPermission,
} from '../permissions/webextension-dialect.ts';

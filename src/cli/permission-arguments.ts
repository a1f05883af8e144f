/** Permissions on the command line. */
import { InvalidArgumentError } from 'commander';
import { parseRule } from '../permissions/native-dialect.ts';
import type { Rule } from '../permissions/rule.ts';
import { PermissionSyntaxError } from '../permissions/syntax-error.ts';
import { parseWebExtensionPermission } from '../permissions/webextension-dialect.ts';

/** A permission as manifests of extensions have it, or else as Portside writes it. @throws {PermissionSyntaxError} */
export function readPermission(text: string): readonly Rule[] {
  try {
    return [parseWebExtensionPermission(text)];
  } catch (error) {
    if (!(error instanceof PermissionSyntaxError)) throw error;
    return parseRule(text);
  }
}

/** Gathers an option that may be given more than once. @throws {InvalidArgumentError} */
export function collectPermission(text: string, before: readonly Rule[] = []): readonly Rule[] {
  try {
    return [...before, ...readPermission(text)];
  } catch (error) {
    if (!(error instanceof PermissionSyntaxError)) throw error;
    throw new InvalidArgumentError(error.message);
  }
}

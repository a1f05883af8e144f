/** The permissions that a WebExtension's manifest declares. */
import { located } from './native-dialect.ts';
import type { Rule } from './rule.ts';
import { uniqueRules } from './rule.ts';
import { PermissionSyntaxError } from './syntax-error.ts';
import { isSocketPermission, parseWebExtensionPermission } from './webextension-dialect.ts';

export interface ManifestPermissions {
  /** Held from the start. */
  readonly granted: readonly Rule[];
  /** May be asked for. */
  readonly optional: readonly Rule[];
}

function readKey(manifest: Readonly<Record<string, unknown>>, key: string): readonly Rule[] {
  const list = Object.hasOwn(manifest, key) ? manifest[key] : undefined;
  if (list === undefined) return [];
  if (!Array.isArray(list)) throw new PermissionSyntaxError(`${key} must be a list`, [key]);
  const rules: Rule[] = [];
  for (const [index, item] of (list as readonly unknown[]).entries()) {
    if (typeof item === 'string' && isSocketPermission(item))
      rules.push(located(key, () => located(index, () => parseWebExtensionPermission(item))));
  }
  return uniqueRules(rules);
}

/**
 * Reads `permissions` and `optional_permissions`. Permissions that are not about sockets are passed over.
 *
 * @throws {PermissionSyntaxError} one that is about sockets cannot be read; `path` is its place
 */
export function readManifestPermissions(manifest: Readonly<Record<string, unknown>>): ManifestPermissions {
  return { granted: readKey(manifest, 'permissions'), optional: readKey(manifest, 'optional_permissions') };
}

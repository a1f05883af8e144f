import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where what was granted for good is kept. @see the XDG Base Directory Specification */
export function permissionsFolder(env: NodeJS.ProcessEnv = process.env): string {
  const config = env['XDG_CONFIG_HOME'];
  // The specification has relative paths ignored.
  const base = config?.startsWith('/') === true ? config : join(homedir(), '.config');
  return join(base, 'portside', 'permissions');
}

/** Extensions for tests of the command: in folders of their own, with a memory of their own for what was granted. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Ending, Process } from './processes.ts';
import { makeFolder, startPortside } from './processes.ts';

/** An environment in which nothing was granted yet. The folder is removed when the test is over. */
export async function freshConfig(t: TestContext): Promise<NodeJS.ProcessEnv> {
  const folder = await mkdtemp(join(tmpdir(), 'portside-config-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return { ...process.env, XDG_CONFIG_HOME: folder };
}

/** A folder with an extension whose background script is `script`. */
export function makeExtension(
  t: TestContext,
  script: string,
  manifest: object = {},
  files: Readonly<Record<string, string>> = {},
): Promise<string> {
  const whole = {
    manifest_version: 2,
    name: 'Test Extension',
    version: '1.0',
    browser_specific_settings: { gecko: { id: 'test@portside.example' } },
    background: { scripts: ['background.js'] },
    permissions: ['tcp-listen:*'],
    ...manifest,
  };
  return makeFolder(t, {
    'manifest.json': JSON.stringify(whole, null, 2),
    'background.js': script,
    ...files,
  });
}

export function runExtension(
  t: TestContext,
  env: NodeJS.ProcessEnv,
  folder: string,
  ...args: readonly string[]
): Process {
  return startPortside(t, ['run', ...args, folder], env);
}

/** `portside permissions …` */
export function runPermissions(
  t: TestContext,
  env: NodeJS.ProcessEnv,
  ...args: readonly string[]
): Promise<Ending> {
  return startPortside(t, ['permissions', ...args], env).ended;
}

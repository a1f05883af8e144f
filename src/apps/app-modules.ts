/** The modules of an app: those that its manifest names, and what they import from the app's own folder. */
import { readFile, realpath } from 'node:fs/promises';
import { dirname, relative, resolve, sep } from 'node:path';
import * as vm from 'node:vm';
import { isInside } from './app-files.ts';
import type { RealmGlobal } from './realm.ts';

/** Whether this process can run modules in a realm of their own. @see `--experimental-vm-modules` of Node */
export function canRunModules(): boolean {
  // Not there, rather than undefined, without the flag; the types do not say so.
  return typeof (vm as Partial<typeof vm>).SourceTextModule === 'function';
}

export interface ModulesSetting {
  /** The app's folder, without symbolic links. */
  readonly root: string;
  /** Made by `createRealm`. */
  readonly global: RealmGlobal;
  /** Where the app's files are, as it sees it. */
  readonly origin: string;
}

export class AppModules {
  readonly #setting: ModulesSetting;
  /** By file: a module is read and run once, whoever imports it. */
  readonly #modules = new Map<string, Promise<vm.SourceTextModule>>();
  readonly #runs = new Map<string, Promise<void>>();

  constructor(setting: ModulesSetting) {
    this.#setting = setting;
  }

  /** Reads a module of the app and all that it imports. @throws {SyntaxError | TypeError} */
  async prepare(file: string): Promise<void> {
    const module = await this.#load(file);
    if (module.status === 'unlinked')
      await module.link((specifier, { identifier }) => this.#import(specifier, identifier));
  }

  /** Runs a module that was prepared. Fulfils at its end, for which one that awaits may take for ever. */
  run(file: string): Promise<void> {
    const run = this.#runs.get(file) ?? this.#load(file).then((module) => module.evaluate());
    this.#runs.set(file, run);
    return run;
  }

  #load(file: string): Promise<vm.SourceTextModule> {
    const loaded = this.#modules.get(file) ?? this.#read(file);
    this.#modules.set(file, loaded);
    return loaded;
  }

  async #read(file: string): Promise<vm.SourceTextModule> {
    const { root, global, origin } = this.#setting;
    const source = new TextDecoder().decode(await readFile(file));
    return new vm.SourceTextModule(source, {
      context: global,
      identifier: file,
      initializeImportMeta: (meta) => {
        meta.url = new URL(relative(root, file).split(sep).join('/'), `${origin}/`).href;
      },
      importModuleDynamically: async (specifier, { identifier }) => {
        const module = await this.#import(specifier, identifier);
        await this.prepare(module.identifier);
        await this.run(module.identifier);
        return module;
      },
    });
  }

  /** @param from the file that imports */
  async #import(specifier: string, from: string): Promise<vm.SourceTextModule> {
    if (!/^\.{0,2}\//.test(specifier))
      throw new TypeError(
        `cannot import '${specifier}': only files of the app can be imported, as './file.js'`,
      );
    const { root } = this.#setting;
    const base = specifier.startsWith('/') ? root : dirname(from);
    const path = resolve(base, specifier.replace(/^\/+/, './'));
    let file: string;
    try {
      file = await realpath(path);
    } catch (cause) {
      throw new TypeError(`cannot import '${specifier}': there is no such file`, { cause });
    }
    if (!isInside(root, file))
      throw new TypeError(`cannot import '${specifier}': it leads out of the app's folder`);
    return this.#load(file);
  }
}

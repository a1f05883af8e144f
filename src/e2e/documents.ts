/** The examples in the repository's documents: found, compiled, and run as the programs that they are. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** The repository's own folder. */
export const ROOT: string = join(dirname(fileURLToPath(import.meta.url)), '../..');
/** Inside the package, so that programs find it by its own name. */
const PROGRAMS = join(ROOT, 'build/examples');

/** No example may run longer, in milliseconds. */
export const EXAMPLE_TIMEOUT = 30_000;

/** A fenced block. */
export interface Block {
  /** `README.md:12`: where it begins. */
  readonly place: string;
  readonly language: string;
  /**
   * Words after the language.
   *
   * | word | of | meaning |
   * |---|---|---|
   * | `run` | `ts` | a program that ends by itself, with status 0 |
   * | `file=NAME.ts` | `ts` | lies as `NAME.js` beside the page's programs, which may start it, or import `./NAME.ts` |
   * | `peer=NAME` | `ts run` | runs beside a server of `guide-peers.ts`, and not where that cannot be |
   * | `output` | any | what the `run` block above it, and its peer, write to their standard output |
   */
  readonly words: readonly string[];
  readonly text: string;
}

/** The Markdown files of the repository, `/` between folders. */
export function documents(): readonly string[] {
  const inDocs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).map(
    (name) => `docs/${name}`,
  );
  const atRoot = readdirSync(ROOT);
  return [...atRoot, ...inDocs].filter((name) => name.endsWith('.md')).sort();
}

export function readDocument(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

/** The fenced blocks of a text, in order. */
export function blocksOf(file: string, text: string): readonly Block[] {
  const found: Block[] = [];
  for (const match of text.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)) {
    const [language = '', ...words] = (match[1] ?? '').split(' ');
    const line = text.slice(0, match.index).split('\n').length;
    found.push({ place: `${file}:${String(line)}`, language, words, text: match[2] ?? '' });
  }
  return found;
}

/** The compiler's options of this repository, less rigid about what examples leave unused. */
function compilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (file) => ts.sys.readFile(file)) as {
    config: unknown;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  return { ...options, noEmit: true, noUnusedLocals: false, isolatedDeclarations: false, incremental: false };
}

const valueOf = ({ words }: Block, name: string): string | undefined =>
  words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
const fileOf = (block: Block): string | undefined => valueOf(block, 'file');
const pageOf = ({ place }: Block): string => place.slice(0, place.lastIndexOf(':')).replaceAll(/\W+/g, '-');

/** What the compiler says of `blocks`, as if each were a file in `src`. */
export function complaints(blocks: readonly Block[]): readonly string[] {
  const options = compilerOptions();
  delete options.tsBuildInfoFile;
  const files = new Map(
    blocks.map((block, index) => [
      join(ROOT, 'src', `example-${pageOf(block)}`, fileOf(block) ?? `example-${String(index)}.ts`),
      block,
    ]),
  );
  const real = ts.createCompilerHost(options);
  const folders = new Set(Array.from(files.keys(), dirname));
  const host: ts.CompilerHost = {
    ...real,
    directoryExists: (name) => folders.has(name) || (real.directoryExists?.(name) ?? true),
    fileExists: (name) => files.has(name) || real.fileExists(name),
    readFile: (name) => files.get(name)?.text ?? real.readFile(name),
    getSourceFile: (name, languageVersion) => {
      const text = files.get(name)?.text;
      return text === undefined
        ? real.getSourceFile(name, languageVersion)
        : ts.createSourceFile(name, text, languageVersion);
    },
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const place = files.get(diagnostic.file?.fileName ?? '')?.place ?? diagnostic.file?.fileName ?? '';
    return `${place}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ')}`;
  });
}

/**
 * Writes a block down as a program that Node can run, in a folder of its page's.
 *
 * @returns the program's file
 */
export function writeProgram(block: Block): string {
  const folder = join(PROGRAMS, pageOf(block));
  mkdirSync(folder, { recursive: true });
  const options = { ...compilerOptions(), sourceMap: false };
  const { outputText } = ts.transpileModule(block.text, {
    fileName: 'example.mts',
    compilerOptions: options,
  });
  const name =
    fileOf(block)?.replace(/\.ts$/, '') ?? `line-${block.place.slice(block.place.lastIndexOf(':') + 1)}`;
  const file = join(folder, `${name}.js`);
  writeFileSync(file, outputText);
  return file;
}

/** How a program ended, and what it wrote. */
export interface ExampleEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The name of the server that a block talks to. */
export const peerOf = (block: Block): string | undefined => valueOf(block, 'peer');

/**
 * Runs a block to its end, in the folder where its page's programs are.
 *
 * @param under a command that runs the rest of its line
 */
export async function runExample(block: Block, under: readonly string[] = []): Promise<ExampleEnd> {
  const file = writeProgram(block);
  const child = spawn('env', [...under, process.execPath, file], {
    cwd: dirname(file),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: EXAMPLE_TIMEOUT,
  });
  const written = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (written.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (written.stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...written };
}

/** A program that runs to its end, and what it must write, where the page says so. */
export interface Example {
  readonly block: Block;
  readonly output: string | undefined;
}

/** The programs among the blocks of one page. */
export function examplesOf(blocks: readonly Block[]): readonly Example[] {
  return blocks.flatMap((block, index) => {
    if (block.language !== 'ts' || !block.words.includes('run')) return [];
    const next = blocks[index + 1];
    return [{ block, output: next?.words.includes('output') === true ? next.text : undefined }];
  });
}

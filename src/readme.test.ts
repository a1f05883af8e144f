/** The documents' examples compile, the ones that say so run, and links lead somewhere. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
/** Inside the package, so that programs find it by its own name. */
const PROGRAMS = join(ROOT, 'build/examples');

/** No example may run longer, in milliseconds. */
const TIMEOUT = 30_000;

/** A fenced block. */
interface Block {
  /** `README.md:12`: where it begins. */
  readonly place: string;
  readonly language: string;
  /** Words after the language. A `run` block is a program that ends by itself. */
  readonly words: readonly string[];
  readonly text: string;
}

/** The Markdown files of the repository, `/` between folders. */
function documents(): readonly string[] {
  const inDocs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).map(
    (name) => `docs/${name}`,
  );
  const atRoot = readdirSync(ROOT);
  return [...atRoot, ...inDocs].filter((name) => name.endsWith('.md')).sort();
}

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

function blocksOf(file: string, text: string): readonly Block[] {
  const found: Block[] = [];
  for (const match of text.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)) {
    const [language = '', ...words] = (match[1] ?? '').split(' ');
    const line = text.slice(0, match.index).split('\n').length;
    found.push({ place: `${file}:${String(line)}`, language, words, text: match[2] ?? '' });
  }
  return found;
}

const BLOCKS = documents()
  .filter((file) => file === 'README.md' || file.startsWith('docs/guide/'))
  .flatMap((file) => blocksOf(file, read(file)));
const PROGRAM_BLOCKS = BLOCKS.filter(({ language }) => language === 'ts');

/** The compiler's options of this repository, less rigid about what examples leave unused. */
function compilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (file) => ts.sys.readFile(file)) as {
    config: unknown;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  return { ...options, noEmit: true, noUnusedLocals: false, isolatedDeclarations: false, incremental: false };
}

/** What the compiler says of `blocks`, as if each were a file in `src`. */
function complaints(blocks: readonly Block[]): readonly string[] {
  const options = compilerOptions();
  delete options.tsBuildInfoFile;
  const files = new Map(
    blocks.map((block, index) => [join(ROOT, 'src', `example-${String(index)}.ts`), block]),
  );
  const real = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...real,
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

/** Writes a block down as a program that Node can run. */
function writeProgram(block: Block): string {
  mkdirSync(PROGRAMS, { recursive: true });
  const options = { ...compilerOptions(), sourceMap: false };
  const { outputText } = ts.transpileModule(block.text, {
    fileName: 'example.mts',
    compilerOptions: options,
  });
  const file = join(PROGRAMS, `${block.place.replaceAll(/\W+/g, '-')}.mjs`);
  writeFileSync(file, outputText);
  return file;
}

async function runToEnd(block: Block): Promise<void> {
  const child = spawn(process.execPath, [writeProgram(block)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(code, 0, `${block.place}:\n${output}`);
}

test('documents have examples at all', () => {
  assert.ok(PROGRAM_BLOCKS.some(({ place }) => place.startsWith('README.md')));
});

test('every TypeScript example compiles', () => {
  assert.deepEqual(complaints(PROGRAM_BLOCKS), []);
});

test('the compiler does see what is wrong in an example', () => {
  const wrong = {
    place: 'x.md:1',
    language: 'ts',
    words: [],
    text: 'const port: number = "80";\nexport { port };\n',
  };
  assert.match(complaints([wrong]).join(), /^x\.md:1: Type 'string' is not assignable to type 'number'/);
});

for (const block of PROGRAM_BLOCKS.filter(({ words }) => words.includes('run'))) {
  test(`the program at ${block.place} runs to its end`, () => runToEnd(block));
}

for (const block of BLOCKS.filter(({ language }) => language === 'json')) {
  test(`the JSON at ${block.place} is JSON`, () => {
    assert.doesNotThrow(() => JSON.parse(block.text) as unknown);
  });
}

test("README's echo server echoes", { timeout: TIMEOUT }, async (t) => {
  const block = PROGRAM_BLOCKS.find(({ place }) => place.startsWith('README.md'));
  assert.ok(block);
  assert.ok(block.text.trimEnd().split('\n').length <= 16, 'it is meant to be short');
  const text = block.text.replace('port: 7008', 'port: 0');
  assert.notEqual(text, block.text);
  const child = spawn(process.execPath, [writeProgram({ ...block, text })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill());
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  // No line at all means that the program has ended; its own complaint is on stderr.
  const { value: line } = (await lines.next()) as IteratorResult<string, undefined>;
  const port = /^echo on 127\.0\.0\.1:(\d+)$/.exec(line ?? '')?.[1];
  assert.ok(port, line);
  const socket = connect({ host: '127.0.0.1', port: Number(port) });
  socket.setEncoding('utf8').end('hello, README');
  let echoed = '';
  socket.on('data', (chunk: string) => (echoed += chunk));
  await once(socket, 'end');
  assert.equal(echoed, 'hello, README');
});

test('links between documents lead somewhere', () => {
  const broken = documents().flatMap((file) =>
    [...read(file).matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)[^)]*\)/g)]
      .map((match) => match[1] ?? '')
      .filter((link) => link !== '' && !existsSync(join(ROOT, dirname(file), link)))
      .map((link) => `${relative('.', file)} -> ${link}`),
  );
  assert.deepEqual(broken, []);
});

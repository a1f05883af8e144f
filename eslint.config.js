import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import ts from 'typescript-eslint';

/** What exists in Node without an import, and is used by scripts. */
const NODE_GLOBALS = [
  'AbortController',
  'AbortSignal',
  'Buffer',
  'TextDecoder',
  'TextEncoder',
  'URL',
  'clearInterval',
  'clearTimeout',
  'console',
  'fetch',
  'performance',
  'process',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
  'setTimeout',
  'structuredClone',
];

const readonly = (names) => Object.fromEntries(names.map((name) => [name, 'readonly']));

/** Limits that keep a function within a reader's grasp. */
const SIZE_RULES = {
  complexity: ['error', 12],
  'max-depth': ['error', 4],
  'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true }],
};

const HOUSE_RULES = {
  ...SIZE_RULES,
  eqeqeq: 'error',
  'no-console': 'error',
  'no-else-return': 'error',
  'object-shorthand': 'error',
  'prefer-const': 'error',
};

/** A wait in a test is a wait for an event. A timer that is the thing under test goes through a `Clock`. */
const NO_TIMERS = ['setTimeout', 'setInterval'].map((name) => ({
  name,
  message: 'Tests wait for events, never for time.',
}));

export default defineConfig(
  globalIgnores(['dist', 'build', 'build-*', 'prebuilds', 'bench/.cache', 'bench/build', 'coverage']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  { rules: HOUSE_RULES },
  {
    files: ['src/**/*.ts'],
    extends: [ts.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      // What an interface hands over and an implementation has no use for.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/prefer-readonly': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Exports have names.' },
        {
          selector: ':matches(PropertyDefinition, MethodDefinition)[accessibility="private"]',
          message: 'Private members are written #name.',
        },
      ],
    },
  },
  {
    files: ['**/*.test.ts', 'src/e2e/**', 'src/testing/**'],
    rules: {
      'no-restricted-globals': ['error', ...NO_TIMERS],
      // Stand-ins have the signatures of what they stand in for.
      '@typescript-eslint/require-await': 'off',
      // `test()` and `describe()` of node:test return promises that the runner itself awaits.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            {
              from: 'package',
              package: 'node:test',
              name: ['after', 'afterEach', 'before', 'beforeEach', 'describe', 'it', 'suite', 'test'],
            },
          ],
        },
      ],
    },
  },
  {
    // A describe block or a suite is a list of cases, as long as there are cases.
    files: ['**/*.test.ts', '**/*-suite.ts'],
    rules: { 'max-lines-per-function': 'off' },
  },
  { files: ['src/cli/**'], rules: { 'no-console': 'off' } },
  {
    files: ['scripts/**/*.mjs', 'bench/**/*.mjs', 'eslint.config.js'],
    languageOptions: { globals: readonly(NODE_GLOBALS) },
    rules: { 'no-console': 'off' },
  },
  {
    files: ['bench/servers/**/*.mjs'],
    languageOptions: { globals: readonly(['Bun', 'Deno']) },
  },
  {
    files: ['scripts/**/*.test.mjs', 'bench/**/*.test.mjs'],
    rules: { 'no-restricted-globals': ['error', ...NO_TIMERS], 'max-lines-per-function': 'off' },
  },
  {
    // Apps are plain scripts, in the style of their day. Those of one app share their globals, which no rule can follow.
    files: ['examples/**/*.js'],
    languageOptions: { sourceType: 'script' },
    rules: {
      'no-console': 'off',
      'no-undef': 'off',
      'no-unused-vars': ['error', { vars: 'local', caughtErrors: 'none' }],
      'object-shorthand': 'off',
    },
  },
  {
    // Extensions whose manifest says that their scripts are modules.
    files: ['examples/chat-room/*.js', 'examples/http-extension/*.js'],
    languageOptions: { sourceType: 'module' },
  },
);

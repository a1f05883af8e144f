import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { parseCalls } from './caller-process.mjs';
import { CALLERS } from './callers.mjs';
import { targetChart, testChart } from './charts.mjs';
import { parseSlice } from './generator.mjs';
import { parseOptions } from './options.mjs';
import { percent, titleOf } from './measures.mjs';
import { BENCH, ROOT } from './paths.mjs';
import { programTable } from './program-tables.mjs';
import { PROGRAMS } from './programs.mjs';
import { failureLines, verdictTable } from './report.mjs';
import { sampleOf } from './rounds.mjs';
import { barChart } from './svg.mjs';
import { markdownTable, plainTable } from './table.mjs';
import { TARGETS, targetsOf } from './targets.mjs';
import { operationOf, selectTests, TESTS } from './tests.mjs';
import { judge, majorOf } from './verdicts.mjs';

/**
 * @param {string} name
 * @param {readonly import('./model.mjs').Round[]} rounds
 * @param {string} [node]
 * @returns {import('./model.mjs').Result}
 */
function resultOf(name, rounds, node = 'v20.20.2') {
  return {
    test: name,
    settings: { rounds: rounds.length, sliceMs: 300, warmUpMs: 60, seed: 1, serverCore: 0, loadCore: 1 },
    environment: {
      node,
      versions: {},
      kernel: '6.1',
      processor: 'some',
      cores: 2,
      measuredAt: '2026-01-01T00:00:00Z',
    },
    rounds,
    failures: [],
  };
}

/** @param {number} cpuMicros */
const sample = (cpuMicros) => ({ cpuMicros, rate: 1e6 / cpuMicros, loadBusy: 0.9 });

describe('the tables', () => {
  test('every program of a test is defined, and its baseline is one of them', () => {
    const names = PROGRAMS.map((program) => program.name);
    assert.equal(new Set(names).size, names.length);
    for (const { name, programs, baseline } of TESTS) {
      assert.deepEqual(
        programs.filter((program) => !names.includes(program)),
        [],
        name,
      );
      assert.ok(programs.includes(baseline), name);
    }
  });

  test('a test has callers if it is of calls, and servers if not, and their files exist', () => {
    for (const test of TESTS) {
      const hasCallers = operationOf(test) !== undefined;
      for (const program of PROGRAMS.filter(({ name }) => test.programs.includes(name))) {
        const isCaller = CALLERS.some(({ name }) => name === program.name);
        assert.equal(isCaller, hasCallers, `${test.name}: ${program.name}`);
        const ending = program.runtime === 'native' ? '.cc' : '.mjs';
        const file = program.file ?? `${program.name}${ending}`;
        assert.ok(existsSync(path.join(BENCH, hasCallers ? 'callers' : 'servers', file)), file);
      }
    }
  });

  test('every target compares programs that its test runs, and asks for one thing', () => {
    for (const target of TARGETS) {
      const programs = TESTS.find((item) => item.name === target.test)?.programs ?? [];
      assert.ok(programs.includes(target.subject), JSON.stringify(target));
      assert.ok(target.peer === undefined || programs.includes(target.peer), JSON.stringify(target));
      assert.equal(target.peer === undefined, ['memory', 'batch'].includes(target.metric));
      assert.equal(target.atLeast === undefined, target.atMost !== undefined);
    }
  });

  test('targetsOf takes a fifth off the targets against node:net from Node 26 on, and off no others', () => {
    const of = (/** @type {number} */ major) =>
      targetsOf('echo-50', major).map(({ peer, atLeast }) => [peer, atLeast]);
    assert.deepEqual(of(24), [
      ['node-net', 2.3],
      ['bun', 1.15],
      ['cpp-epoll', 0.85],
    ]);
    assert.deepEqual(of(26), [
      ['node-net', 1.84],
      ['bun', 1.15],
      ['cpp-epoll', 0.85],
    ]);
  });
});

describe('docs/reference/benchmarks.md', () => {
  test('the page tells the targets as they are', async () => {
    const text = await readFile(path.join(ROOT, 'docs/reference/benchmarks.md'), 'utf8');
    const rows = text.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
    for (const { name } of TESTS) {
      const own = rows.filter((row) => row[1] === `\`${name}\``);
      const later = targetsOf(name, 26);
      targetsOf(name, 20).forEach((target, index) => {
        const isTold = {
          cpu: () => own.some((row) => isRowOf(row, target.atLeast, later[index]?.atLeast)),
          rate: () => own.some((row) => isRowOf(row, target.atLeast, later[index]?.atLeast)),
          p50: () => own.some((row) => row.slice(2, 6).join() === latencyCells(target).join()),
          p99: () => own.some((row) => row.slice(2, 6).join() === latencyCells(target).join()),
          cost: () => own.some((row) => row.slice(2, 5).join() === costCells(target).join()),
          memory: () => text.includes(`${target.atMost?.toLocaleString('en') ?? ''} `),
          batch: () => text.includes(`at least ${String(target.atLeast)} datagrams`),
        }[target.metric]();
        assert.ok(isTold, JSON.stringify(target));
      });
    }
  });

  /** @param {import('./model.mjs').Target} target */
  function latencyCells({ metric, subject, peer = '', atMost = Number.NaN }) {
    return [titleOf(subject), metric, titleOf(peer), percent(atMost)];
  }

  /**
   * @param {readonly string[]} row
   * @param {readonly (number | undefined)[]} factors
   */
  function isRowOf(row, ...factors) {
    return row.slice(3, 5).map(Number).join() === factors.join();
  }

  /** @param {import('./model.mjs').Target} target */
  function costCells({ subject, peer = '', atMost = Number.NaN }) {
    return [titleOf(subject), titleOf(peer), percent(atMost)];
  }
});

describe('judge', () => {
  test('judge compares the median of the ratios with the target', () => {
    const rounds = [2, 2.5, 9].map((ratio) => ({
      'portside-engine': sample(10),
      'node-net': sample(10 * ratio),
    }));
    const [verdict] = judge(resultOf('crr', rounds));
    assert.equal(verdict?.measured?.median, 2.5);
    assert.equal(verdict?.outcome, 'missed');
    assert.equal(judge(resultOf('crr', rounds, 'v26.1.0'))[0]?.outcome, 'met');
  });

  test('judge wants a call to cost at most a part of what it costs the peer', () => {
    const rounds = [1.3, 1.4, 1.9].map((part) => ({
      'portside-socket': sample(2 * part),
      'cpp-calls': sample(2),
      koffi: sample(2),
    }));
    const outcomes = judge(resultOf('call-pair', rounds)).map(({ target, measured, outcome }) => [
      target.peer,
      measured?.median,
      outcome,
    ]);
    assert.deepEqual(outcomes, [
      ['cpp-calls', 1.4, 'met'],
      ['cpython-into', undefined, 'not measured'],
      ['cpython-recv', undefined, 'not measured'],
      ['koffi', 1.4, 'missed'],
    ]);
  });

  test('judge wants answers within a part of the time of the peer, and more bytes than it has', () => {
    const times = [0.8, 0.85, 0.95].map((part) => ({
      'portside-engine': { p50Micros: 20 * part, p99Micros: 40 * part },
      'portside-busy': { p50Micros: 12, p99Micros: 20 },
      'node-net': { p50Micros: 20, p99Micros: 40 },
    }));
    assert.deepEqual(
      judge(resultOf('latency', times)).map(({ measured, outcome }) => [measured?.median, outcome]),
      [
        [0.85, 'met'],
        [0.85, 'met'],
        [0.6, 'met'],
      ],
    );
    const rounds = [
      { 'portside-owned': { rate: 3e6 }, 'node-net-bulk': { rate: 2e6 }, 'bun-stream': { rate: 3e6 } },
    ];
    assert.deepEqual(
      judge(resultOf('bulk-receive', rounds)).map(({ measured, outcome }) => [measured?.median, outcome]),
      [
        [1.5, 'met'],
        [1, 'missed'],
        [undefined, 'not measured'],
      ],
    );
  });

  test('judge takes the fewer datagrams of the two directions', () => {
    const result = resultOf('call-batch', []);
    const outcomes = [
      { sent: 32, received: 32 },
      { sent: 64, received: 31.5 },
    ].map((batch) => judge({ ...result, batches: { 'portside-socket': batch } })[0]);
    assert.deepEqual(
      outcomes.map((verdict) => [verdict?.measured?.median, verdict?.outcome]),
      [
        [32, 'met'],
        [31.5, 'missed'],
      ],
    );
    assert.equal(judge(result)[0]?.outcome, 'not measured');
  });

  test('judge does not judge what was not measured', () => {
    const [verdict] = judge(resultOf('crr', [{ 'node-net': sample(10) }]));
    assert.equal(verdict?.outcome, 'not measured');
  });

  test('judge wants memory to be low', () => {
    const rounds = [{ 'portside-engine': { bytes: 900 }, 'portside-chrome': { bytes: 1501 } }];
    assert.deepEqual(
      judge(resultOf('idle', rounds)).map((verdict) => verdict.outcome),
      ['met', 'missed'],
    );
  });

  test('verdictTable says by how much a target was missed, and when rounds were too few', () => {
    const rounds = [{ 'portside-engine': sample(10), 'node-net': sample(13.5) }];
    const [row] = verdictTable(judge(resultOf('crr', rounds))).rows;
    assert.equal(row?.at(-1), 'missed by 50.0 % (too few rounds)');
  });

  test('majorOf reads a version and refuses anything else', () => {
    assert.equal(majorOf('v26.10.0'), 26);
    assert.throws(() => majorOf('nightly'), /nightly/u);
  });
});

describe('slices', () => {
  const good = {
    requests: 100,
    seconds: 0.5,
    serverCpuSeconds: 0.25,
    loadCpuSeconds: 0.4,
    errors: 0,
    firstError: '',
  };

  test('sampleOf divides CPU by requests and requests by time', () => {
    assert.deepEqual(sampleOf(parseSlice(JSON.stringify(good))), {
      cpuMicros: 2500,
      rate: 200,
      loadBusy: 0.8,
    });
  });

  test('parseSlice refuses a slice with a single error, and says which', () => {
    assert.throws(
      () => parseSlice(JSON.stringify({ ...good, errors: 1, firstError: 'recv: reset' })),
      /recv: reset/u,
    );
  });

  test('parseCalls divides CPU by operations and operations by time, and refuses a slice without any', () => {
    const calls = { operations: 1000, seconds: 0.5, cpuSeconds: 0.25 };
    assert.deepEqual(parseCalls(JSON.stringify(calls)), { cpuMicros: 250, rate: 2000 });
    for (const name of Object.keys(calls)) {
      assert.throws(() => parseCalls(JSON.stringify({ ...calls, [name]: 0 })), new RegExp(name, 'u'));
    }
  });

  test('parseSlice refuses a slice in which nothing happened, or less than nothing', () => {
    for (const requests of [0, -5]) {
      assert.throws(() => parseSlice(JSON.stringify({ ...good, requests })), /requests/u);
    }
    assert.throws(() => parseSlice(JSON.stringify({ ...good, serverCpuSeconds: -0.1 })), /serverCpuSeconds/u);
  });
});

describe('reports', () => {
  test('programTable lists the servers that were measured, with ratios to the baseline', () => {
    const rounds = [{ 'node-net': sample(20), 'cpp-epoll': sample(5) }];
    const { head, rows } = programTable(resultOf('echo-50', rounds));
    const ratio = head.indexOf('CPU ×');
    assert.deepEqual(
      rows.map((row) => [row[0], row[ratio]]),
      [
        ['node:net', '1.00'],
        ['C++ epoll', '4.00'],
      ],
    );
    for (const row of rows) assert.equal(row.length, head.length);
  });

  test('programTable of bytes has nanoseconds for a KiB, and GB in a second', () => {
    const rounds = [
      { 'node-net-bulk': { cpuMicros: 0.5, rate: 2e6 }, 'cpp-stream': { cpuMicros: 0.25, rate: 4e6 } },
    ];
    const { head, rows } = programTable(resultOf('bulk-receive', rounds));
    assert.deepEqual([head[1], head[4]], ['CPU ns/KiB', 'GB/s']);
    assert.deepEqual(
      rows.map((row) => [row[0], row[1], row[3], row[4], row[6]]),
      [
        ['node:net', '500', '1.00', '2.05', '1.00'],
        ['C++ epoll', '250', '2.00', '4.10', '2.00'],
      ],
    );
  });

  test('programTable has times of answers, with ratios, where one request is under way at a time', () => {
    const rounds = [
      {
        'portside-engine': { ...sample(10), p50Micros: 20, p99Micros: 40 },
        'node-net': { ...sample(20), p50Micros: 25, p99Micros: 60 },
      },
    ];
    const { head, rows } = programTable(resultOf('latency', rounds));
    assert.deepEqual(head.slice(-4), ['p50 µs', 'p50 ×', 'p99 µs', 'p99 ×']);
    assert.deepEqual(
      rows.map((row) => row.slice(-4)),
      [
        ['20.0', '1.25', '40.0', '1.50'],
        ['25.0', '1.00', '60.0', '1.00'],
      ],
    );
    assert.equal(programTable(resultOf('tls-receive-1', [])).head.includes('p50 µs'), false);
  });

  test('programTable of a server that needs no memory has no ratio', () => {
    const rounds = [
      { 'node-net': { bytes: 4000, heldBytes: 1700 }, 'cpp-epoll': { bytes: 0, heldBytes: 0 } },
    ];
    const { rows } = programTable(resultOf('idle', rounds));
    assert.deepEqual(rows.at(-1), ['C++ epoll', '0', '–', '–', '0', '–', '1']);
  });

  test('programTable of calls has nanoseconds, the part of C++ and what is beyond it', () => {
    const rounds = [
      { 'portside-socket': sample(3), 'cpp-calls': sample(2) },
      { 'portside-socket': sample(4), 'cpp-calls': sample(2) },
    ];
    const { head, rows } = programTable(resultOf('call-pair', rounds));
    assert.deepEqual(
      rows.map((row) => row.slice(0, 6)),
      [
        ['Portside Socket', '3,500', '7 %', '175 %', '163 %–188 %', '1,500'],
        ['C++', '2,000', '0 %', '100 %', '100 %–100 %', '0'],
      ],
    );
    for (const row of rows) assert.equal(row.length, head.length);
  });

  test('programTable of datagrams has how many of them one system call moved, where they were counted', () => {
    const rounds = [{ 'node-dgram': sample(10), 'cpp-one': sample(5), 'cpp-calls': sample(2) }];
    const batches = { 'node-dgram': { sent: 1, received: 0.97 }, 'cpp-calls': { sent: 32, received: 32 } };
    const { head, rows } = programTable({ ...resultOf('call-batch', rounds), batches });
    assert.deepEqual(
      rows.map((row) => [row[0], row[3], ...row.slice(-3)]),
      [
        ['node:dgram', '1.00', '1', '1', '1'],
        ['C++', '5.00', '32', '32', '1'],
        ['C++, one by one', '2.00', '–', '–', '1'],
      ],
    );
    for (const row of rows) assert.equal(row.length, head.length);
  });

  test('failureLines counts what happened more than once', () => {
    const failures = [1, 2].map(() => ({ server: 'bun', why: 'reset' }));
    assert.deepEqual(failureLines({ ...resultOf('crr', []), failures }), ['Bun.listen: reset (2 times)']);
  });

  test('plainTable keeps numbers in line and markdownTable has a rule', () => {
    const table = {
      head: ['a', 'n'],
      rows: [
        ['long name', '1'],
        ['b', '10 µs'],
      ],
    };
    assert.equal(plainTable(table), '  a              n\n  long name      1\n  b          10 µs');
    assert.equal(markdownTable(table).split('\n')[1], '| --- | ---: |');
  });
});

describe('charts', () => {
  /** Tags that are opened and not closed. @param {string} svg */
  function unbalanced(svg) {
    const open = [];
    for (const [, end, name, self] of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/gu)) {
      if (self === '/') continue;
      if (end !== '/') open.push(name);
      else if (open.pop() !== name) return `</${String(name)}>`;
    }
    return open.join(' ');
  }

  test('barChart draws to scale, with whiskers and mark, and escapes text', () => {
    const bar = {
      label: 'a < "b"',
      value: 2,
      low: 1,
      high: 4,
      text: '2',
      mark: 3,
      tone: /** @type {const} */ ('own'),
    };
    const svg = barChart('x & y', [{ title: 't', unit: '×', bars: [bar, { ...bar, value: 4 }] }], '');
    assert.equal(unbalanced(svg), '');
    assert.ok(svg.includes('a &lt; &quot;b&quot;') && svg.includes('x &amp; y'));
    const widths = [...svg.matchAll(/<rect class="own"[^>]*width="([\d.]+)"/gu)].map((match) =>
      Number(match[1]),
    );
    assert.equal((widths[1] ?? 0) / (widths[0] ?? 0), 2);
    assert.equal([...svg.matchAll(/class="mark"/gu)].length, 2);
    assert.equal([...svg.matchAll(/class="whisker"/gu)].length, 6);
  });

  test('barChart of zeros has finite places', () => {
    const bar = { label: 'a', value: 0, low: 0, high: 0, text: '0', tone: /** @type {const} */ ('limit') };
    assert.doesNotMatch(barChart('', [{ title: '', unit: '', bars: [bar] }], ''), /NaN|Infinity/u);
  });

  test('testChart and targetChart show what was measured', () => {
    const rounds = [{ 'portside-engine': sample(8), 'node-net': sample(20), 'cpp-epoll': sample(7) }];
    const result = resultOf('echo-50', rounds);
    const chart = testChart(result);
    assert.equal(unbalanced(chart), '');
    assert.ok(chart.includes('Portside engine') && chart.includes('2.50×'));
    const calls = resultOf('call-pair', [{ 'portside-socket': sample(3), 'cpp-calls': sample(2) }]);
    const costs = testChart(calls);
    assert.equal(unbalanced(costs), '');
    assert.ok(costs.includes('150 %   3000 ns') && costs.includes('1000 ns'));
    assert.ok(targetChart(judge(calls), '').includes('150 % (≤ 140 %) missed'));
    const targets = targetChart(judge(result), '');
    assert.ok(targets.includes('echo-50 vs node:net') && !targets.includes('echo-50 vs Bun'));
  });
});

describe('parseOptions', () => {
  test('parseOptions has presets, and an option overrides them', () => {
    assert.equal(parseOptions([]).rounds, 15);
    assert.equal(parseOptions(['--quick']).sliceMs, 100);
    const options = parseOptions(['echo-1', '--quick', '--rounds', '21', '--node', '26']);
    assert.deepEqual([options.rounds, options.idleRounds, options.node], [21, 21, '26']);
    assert.deepEqual(options.words, ['echo-1']);
  });

  test('parseOptions refuses what makes no sense', () => {
    for (const args of [
      ['--rounds', '0'],
      ['--rounds', '1.5'],
      ['--rounds', 'many'],
      ['--slice', '301'],
      ['--cores', '1'],
      ['--cores', '1,1'],
      ['--cores', '0,1,2'],
      ['--servers', 'apache'],
      ['--fast'],
    ]) {
      assert.throws(() => parseOptions(args), Error, args.join(' '));
    }
  });

  test('selectTests takes names and groups, and names the tests when it does not know one', () => {
    assert.deepEqual(
      selectTests(['echo', 'crr']).map((item) => item.name),
      ['echo-1', 'echo-50', 'echo-500', 'crr'],
    );
    assert.equal(selectTests([]).length, TESTS.length);
    assert.throws(() => selectTests(['ech']), /there are echo-1/u);
  });
});

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { targetChart, testChart } from './charts.mjs';
import { parseSlice } from './generator.mjs';
import { parseOptions } from './options.mjs';
import { ROOT } from './paths.mjs';
import { failureLines, serverTable, verdictTable } from './report.mjs';
import { sampleOf } from './rounds.mjs';
import { SERVERS } from './servers.mjs';
import { barChart } from './svg.mjs';
import { markdownTable, plainTable } from './table.mjs';
import { TARGETS, targetsOf } from './targets.mjs';
import { selectTests, TESTS } from './tests.mjs';
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
  test('every server of a test is defined, and its baseline is one of them', () => {
    const names = SERVERS.map((server) => server.name);
    for (const { name, servers, baseline } of TESTS) {
      assert.deepEqual(
        servers.filter((server) => !names.includes(server)),
        [],
        name,
      );
      assert.ok(servers.includes(baseline), name);
    }
  });

  test('every target compares servers that its test runs, and asks for one thing', () => {
    for (const target of TARGETS) {
      const servers = TESTS.find((item) => item.name === target.test)?.servers ?? [];
      assert.ok(servers.includes(target.subject), JSON.stringify(target));
      assert.ok(target.peer === undefined || servers.includes(target.peer), JSON.stringify(target));
      assert.equal(target.peer === undefined, target.metric === 'memory');
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
      const later = targetsOf(name, 26);
      targetsOf(name, 20).forEach(({ atLeast, atMost }, index) => {
        const factors = [atLeast, later[index]?.atLeast].map(String);
        const isTold =
          atMost === undefined
            ? rows.some(
                (row) => row[1] === `\`${name}\`` && row.slice(3, 5).map(Number).join() === factors.join(),
              )
            : text.includes(`${atMost.toLocaleString('en')} `);
        assert.ok(isTold, `${name}: ${factors.join()}`);
      });
    }
  });
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

  test('parseSlice refuses a slice in which nothing happened, or less than nothing', () => {
    for (const requests of [0, -5]) {
      assert.throws(() => parseSlice(JSON.stringify({ ...good, requests })), /requests/u);
    }
    assert.throws(() => parseSlice(JSON.stringify({ ...good, serverCpuSeconds: -0.1 })), /serverCpuSeconds/u);
  });
});

describe('reports', () => {
  test('serverTable lists the servers that were measured, with ratios to the baseline', () => {
    const rounds = [{ 'node-net': sample(20), 'cpp-epoll': sample(5) }];
    const { head, rows } = serverTable(resultOf('echo-50', rounds));
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

  test('serverTable of a server that needs no memory has no ratio', () => {
    const rounds = [
      { 'node-net': { bytes: 4000, heldBytes: 1700 }, 'cpp-epoll': { bytes: 0, heldBytes: 0 } },
    ];
    const { rows } = serverTable(resultOf('idle', rounds));
    assert.deepEqual(rows.at(-1), ['C++ epoll', '0', '–', '–', '0', '–', '1']);
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
    const targets = targetChart(judge(result), '');
    assert.ok(targets.includes('echo-50 vs node:net') && !targets.includes('echo-50 vs Bun'));
  });
});

describe('parseOptions', () => {
  test('parseOptions has presets, and an option overrides them', () => {
    assert.equal(parseOptions([]).rounds, 15);
    assert.equal(parseOptions(['--quick']).sliceMs, 200);
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

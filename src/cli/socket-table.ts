/** The table of an app's sockets, as lines that fit a terminal. */
import type { AppSocketRow } from '../apps/app-row.ts';
import type { PanelSize } from './live-panel.ts';
import type { Paint } from './styles.ts';

interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
  /** The least width, so that columns do not jump about as figures grow. */
  readonly width: number;
  /** Columns with a greater number are left out first where the terminal is narrow; 0 never is. */
  readonly dispensable: number;
  readonly cell: (row: AppSocketRow) => string;
}

const UNITS: readonly string[] = ['B', 'kB', 'MB', 'GB', 'TB'];

/** `640 B`, `1.2 kB`, `35 MB`: three figures at most, in steps of a thousand. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 of one unit would be rounded to a fourth figure.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const text = unit === 0 || value >= 9.95 ? String(Math.round(value)) : value.toFixed(1);
  return `${text} ${UNITS[unit] ?? ''}`;
}

/** Servers have no bytes of their own. */
function bytesCell({ kind }: AppSocketRow, bytes: number): string {
  return kind === 'tcpServer' ? '' : formatBytes(bytes);
}

/** `connected`, `listening` …; a socket that waits for the app to un-pause it says so. */
function stateCell({ paused, state }: AppSocketRow): string {
  return paused && (state === 'connected' || state === 'listening') ? 'paused' : state;
}

const COLUMNS: readonly Column[] = [
  { title: 'ID', align: 'right', width: 3, dispensable: 0, cell: ({ socketId }) => String(socketId) },
  { title: 'KIND', align: 'left', width: 9, dispensable: 1, cell: ({ kind }) => kind },
  { title: 'LOCAL', align: 'left', width: 15, dispensable: 0, cell: ({ local = '' }) => local },
  { title: 'PEER', align: 'left', width: 15, dispensable: 0, cell: ({ peer = '' }) => peer },
  { title: 'IN', align: 'right', width: 7, dispensable: 2, cell: (row) => bytesCell(row, row.bytesIn) },
  {
    title: 'OUT',
    align: 'right',
    width: 7,
    dispensable: 2,
    cell: (row) => bytesCell(row, row.bytesOut),
  },
  { title: 'STATE', align: 'left', width: 9, dispensable: 3, cell: stateCell },
];

const GAP = '  ';

function widthOf(column: Column, rows: readonly AppSocketRow[]): number {
  return rows.reduce(
    (width, row) => Math.max(width, column.cell(row).length),
    Math.max(column.width, column.title.length),
  );
}

/** The columns that fit, with their widths. */
function fitColumns(rows: readonly AppSocketRow[], width: number): { column: Column; width: number }[] {
  let fitted = COLUMNS.map((column) => ({ column, width: widthOf(column, rows) }));
  for (let least = 3; least > 0; least--) {
    const total = fitted.reduce((sum, column) => sum + column.width + GAP.length, -GAP.length);
    if (total <= width) break;
    fitted = fitted.filter(({ column }) => column.dispensable < least);
  }
  return fitted;
}

function truncate(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(width - 1, 0))}…`;
}

function formatLine(
  columns: readonly { column: Column; width: number }[],
  cell: (column: Column) => string,
): string {
  const cells = columns.map(({ column, width }) =>
    column.align === 'left' ? cell(column).padEnd(width) : cell(column).padStart(width),
  );
  return cells.join(GAP).trimEnd();
}

function summary(rows: readonly AppSocketRow[], hidden: number): string {
  const count = rows.length === 1 ? '1 socket' : `${String(rows.length)} sockets`;
  return hidden === 0 ? count : `${count}, ${String(hidden)} of them not shown`;
}

/** The lines of the table: a blank one, titles, sockets as far as there is room, and how many there are. */
export function renderSocketTable(rows: readonly AppSocketRow[], size: PanelSize, paint: Paint): string[] {
  const room = Math.max(size.rows - 3, 0);
  const shown = rows.slice(0, room);
  const columns = fitColumns(shown, size.columns);
  const fit = (text: string): string => truncate(text, size.columns);
  const lines = [
    '',
    paint('bold', fit(formatLine(columns, ({ title }) => title))),
    ...shown.map((row) => fit(formatLine(columns, (column) => column.cell(row)))),
    paint('gray', fit(summary(rows, rows.length - shown.length))),
  ];
  return lines.slice(0, Math.max(size.rows, 0));
}

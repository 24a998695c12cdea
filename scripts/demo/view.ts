import type { ServiceRow } from './observation.ts';

const BAR_WIDTH = 20;
/** The bar ends at this score. */
const BAR_END = 4;
const PLAIN_EVERY_MS = 15_000;

export interface Progress {
  readonly phase: string;
  /** 0..1; undefined if unknown. */
  readonly share: number | undefined;
  readonly seconds: number;
  readonly rows: readonly ServiceRow[];
}

/** The live view: redrawn in place on a terminal, otherwise a line every 15 s. */
export class View {
  readonly #output: NodeJS.WriteStream;
  #drawn = 0;
  #phase = '';
  #plainAt = 0;

  constructor(output: NodeJS.WriteStream = process.stdout) {
    this.#output = output;
  }

  update(progress: Progress): void {
    if (this.#output.isTTY) this.#redraw(progress);
    else this.#append(progress);
  }

  /** Prints a permanent line. */
  say(line: string): void {
    this.#erase();
    this.#output.write(`${line}\n`);
  }

  #redraw(progress: Progress): void {
    this.#erase();
    const lines = renderProgress(progress, this.#output.columns);
    this.#output.write(`${lines.join('\n')}\n`);
    this.#drawn = lines.length;
  }

  #erase(): void {
    if (this.#drawn > 0) this.#output.write(`\u001b[${this.#drawn}A\u001b[J`);
    this.#drawn = 0;
  }

  #append(progress: Progress): void {
    const now = Date.now();
    if (progress.phase === this.#phase && now < this.#plainAt) return;
    this.#phase = progress.phase;
    this.#plainAt = now + PLAIN_EVERY_MS;
    this.#output.write(`${renderPlain(progress)}\n`);
  }
}

/** One line: phase, progress, and the highest scores. */
export function renderPlain({ phase, share, seconds, rows }: Progress): string {
  const percent = share === undefined ? '' : ` ${Math.round(share * 100)}%`;
  const highest = rows
    .filter(({ score }) => Number.isFinite(score))
    .sort((a, b) => b.score - a.score)
    .slice(0, 3)
    .map(({ service, score }) => `${service} ${score.toFixed(2)}`);
  const scores = highest.length === 0 ? '' : `  highest scores: ${highest.join(', ')}`;
  return `[${seconds.toFixed(0).padStart(3)} s] ${phase}${percent}${scores}`;
}

/** Phase, progress bar and the table of services, no line wider than `columns`. */
export function renderProgress({ phase, share, seconds, rows }: Progress, columns = 100): string[] {
  const filled = Math.round((share ?? 0) * 40);
  const bar = share === undefined ? '' : `  [${'#'.repeat(filled)}${'.'.repeat(40 - filled)}]`;
  const lines = [`${seconds.toFixed(0)} s  ${phase}${bar}`, ''];
  if (rows.length > 0)
    lines.push(`${'service'.padEnd(18)}${'req/s'.padStart(8)}${'latency'.padStart(11)}${'score'.padStart(8)}`);
  lines.push(...rows.map(renderRow));
  return lines.map((line) => line.slice(0, columns));
}

function renderRow({ service, rate, latency, score, rank }: ServiceRow): string {
  const filled = Number.isFinite(score) ? Math.min(BAR_WIDTH, Math.round((score / BAR_END) * BAR_WIDTH)) : 0;
  const cells = [
    service.padEnd(18),
    number(rate, 1).padStart(8),
    (Number.isFinite(latency) ? `${number(latency * 1000, 1)} ms` : '-').padStart(11),
    number(score, 2).padStart(8),
  ];
  const cause = Number.isFinite(rank) ? `  root cause ${rank}` : '';
  return `${cells.join('')}  ${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}${score > 1 ? '  ANOMALOUS' : ''}${cause}`;
}

function number(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '-';
}

import {
  OPENMETRICS_CONTENT_TYPE,
  TEXT_CONTENT_TYPE,
  toOpenMetrics,
  type ExpositionFormat,
} from '../../daemon/http-server/accept.ts';
import { escape } from '../../daemon/labels.ts';
import {
  formatValue,
  NANOSECONDS,
  type Exposition,
  type FamilyType,
  type HistogramSeries,
  type Mark,
  type OwnMetrics,
  type Series,
} from './exposition.ts';
import { PLAIN_VIEW, type ScrapeView } from './first-scrapes.ts';

/** Length of the longest value, `-1.7976931348623157e+308`, and a newline. */
const VALUE_BYTES = 25;

/** Enough for 20,000 series. Memory that is never written is never resident, so small responses cost no more. */
const INITIAL_BYTES = 4 * 1024 * 1024;

const OPENMETRICS_END = '# EOF\n';
const COUNTER_SUFFIX = '_total';

/** The formats that are text. */
export type TextFormat = Exclude<ExpositionFormat, 'protobuf'>;

const NEWLINE = 10;
const ZERO = 48;

/**
 * Builds a response in Prometheus' text format or OpenMetrics, in one reused buffer: 20,000 series are three megabytes,
 * which as strings would make tens of megabytes of garbage. The lines of a family must be contiguous: call `family`
 * once, then `sample` for each sample. A family without samples writes nothing.
 */
export class TextExposition implements Exposition {
  #buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  #length = 0;
  #count = 0;
  readonly #families: string[] = [];
  /** The header of the current family; empty once written. */
  #header = '';
  #format: TextFormat = 'text';
  #view = PLAIN_VIEW;

  get count(): number {
    return this.#count;
  }

  get view(): ScrapeView {
    return this.#view;
  }

  get contentType(): string {
    return this.#format === 'text' ? TEXT_CONTENT_TYPE : OPENMETRICS_CONTENT_TYPE;
  }

  /** In OpenMetrics the families of counters do not have the suffix `_total`. */
  family(name: string, type: FamilyType, help: string): void {
    if (this.#families.includes(name)) throw new Error(`family ${name} started twice`);
    this.#families.push(name);
    const text = escape(help, this.#format === 'text' ? /[\\\n]/g : /[\\\n"]/g);
    const short = this.#format === 'openmetrics' && type === 'counter' && name.endsWith(COUNTER_SUFFIX);
    const family = short ? name.slice(0, -COUNTER_SUFFIX.length) : name;
    this.#header = `# HELP ${family} ${text}\n# TYPE ${family} ${type}\n`;
  }

  sample(line: Series, value: number): void {
    if (this.#header !== '') this.#writeHeader();
    else if (this.#families.length === 0) throw new Error('a sample before its family');
    this.#reserve(line.length + VALUE_BYTES);
    this.#length += this.#buffer.latin1Write(line, this.#length, line.length);
    this.#writeValue(value);
    this.#buffer[this.#length++] = NEWLINE;
    this.#count++;
  }

  /** 25 lines: cumulative buckets, the sum and the count. */
  histogram({ buckets, sum, count }: HistogramSeries, words: Float64Array, offset: number): void {
    let total = 0;
    for (let index = 0; index < buckets.length; index++) {
      total += words[offset + 1 + index] ?? 0;
      this.sample(buckets[index] as Series, total);
    }
    this.sample(sum, (words[offset] ?? 0) / NANOSECONDS);
    this.sample(count, total);
  }

  async append(metrics: OwnMetrics): Promise<void> {
    const text = await metrics.metrics();
    this.#write(this.#format === 'text' ? text : toOpenMetrics(text));
  }

  end(): void {
    if (this.#format === 'openmetrics') this.#write(OPENMETRICS_END);
  }

  #write(text: string): void {
    this.#reserve(Buffer.byteLength(text));
    this.#length += this.#buffer.write(text, this.#length);
  }

  #writeHeader(): void {
    const header = this.#header;
    this.#header = '';
    this.#write(header);
  }

  /** Most values are one-digit counts, which need no string. */
  #writeValue(value: number): void {
    if (value >= 0 && value < 10 && Number.isInteger(value)) {
      this.#buffer[this.#length++] = ZERO + value;
      return;
    }
    const text = formatValue(value);
    this.#length += this.#buffer.latin1Write(text, this.#length, text.length);
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }

  mark(): Mark {
    return { length: this.#length, count: this.#count, families: this.#families.length };
  }

  rollback(mark: Mark): void {
    this.#length = mark.length;
    this.#count = mark.count;
    this.#families.length = mark.families;
    this.#header = '';
  }

  /** Starts a new response in `format`, in the same buffer. */
  begin(format: TextFormat, view = PLAIN_VIEW): void {
    this.#format = format;
    this.#view = view;
    this.rollback({ length: 0, count: 0, families: 0 });
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  toString(): string {
    return this.bytes().toString();
  }
}

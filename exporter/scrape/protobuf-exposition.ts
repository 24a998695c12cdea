import { PROTOBUF_CONTENT_TYPE } from '../../daemon/http-server/accept.ts';
import { ProtobufWriter } from '../../daemon/wire/protobuf.ts';
import type { Exposition, FamilyType, HistogramSeries, Mark, OwnMetrics, Series } from './exposition.ts';
import { PLAIN_VIEW, type ScrapeView } from './first-scrapes.ts';
import { FAMILY, TYPES, writeHistogram, writeLabels, writeOwnFamily, writeValue } from './metric-family.ts';

/** Enough for 20,000 series as text. Memory that is never written is never resident. */
const INITIAL_BYTES = 1024 * 1024;

interface Family {
  readonly name: string;
  readonly type: FamilyType;
  readonly help: string;
}

/**
 * Builds a response of delimited MetricFamily messages, in one reused buffer. Histograms are native and classic in one:
 * Prometheus takes what it is configured for.
 */
export class ProtobufExposition implements Exposition {
  readonly #writer = new ProtobufWriter(INITIAL_BYTES);
  readonly #families: string[] = [];
  #count = 0;
  /** The family of the next sample; undefined once written. */
  #next: Family | undefined;
  #type: FamilyType = 'gauge';
  /** Where the current family's message starts. */
  #open: number | undefined;
  #view = PLAIN_VIEW;

  get count(): number {
    return this.#count;
  }

  get contentType(): string {
    return PROTOBUF_CONTENT_TYPE;
  }

  get view(): ScrapeView {
    return this.#view;
  }

  family(name: string, type: FamilyType, help: string): void {
    if (this.#families.includes(name)) throw new Error(`family ${name} started twice`);
    this.#families.push(name);
    this.#next = { name, type, help };
  }

  sample(line: Series, value: number): void {
    const metric = this.#metric(line);
    writeValue(this.#writer, this.#type, value);
    this.#writer.close(metric);
  }

  histogram({ count }: HistogramSeries, words: Float64Array, offset: number): void {
    const metric = this.#metric(count);
    writeHistogram(this.#writer, words, offset);
    this.#writer.close(metric);
  }

  async append(metrics: OwnMetrics): Promise<void> {
    const families = await metrics.getMetricsAsJSON();
    this.#close();
    for (const family of families) writeOwnFamily(this.#writer, family);
  }

  end(): void {
    this.#close();
  }

  /** Starts a metric with the labels of `line`, in its family. */
  #metric(line: Series): number {
    if (this.#next !== undefined) this.#start(this.#next);
    else if (this.#open === undefined) throw new Error('a sample before its family');
    this.#count++;
    const start = this.#writer.open(FAMILY.metric);
    writeLabels(this.#writer, line);
    return start;
  }

  #start({ name, type, help }: Family): void {
    this.#close();
    this.#type = type;
    this.#open = this.#writer.open();
    this.#writer.string(FAMILY.name, name).string(FAMILY.help, help).varint(FAMILY.type, TYPES[type]);
  }

  #close(): void {
    if (this.#open !== undefined) this.#writer.close(this.#open);
    this.#open = undefined;
    this.#next = undefined;
  }

  mark(): Mark {
    this.#close();
    return { length: this.#writer.length, count: this.#count, families: this.#families.length };
  }

  rollback(mark: Mark): void {
    this.#writer.reset(mark.length);
    this.#count = mark.count;
    this.#families.length = mark.families;
    this.#open = undefined;
    this.#next = undefined;
  }

  /** Starts a new response in the same buffer. */
  begin(view = PLAIN_VIEW): void {
    this.#view = view;
    this.rollback({ length: 0, count: 0, families: 0 });
  }

  bytes(): Buffer {
    const { buffer, byteOffset, byteLength } = this.#writer.finish();
    return Buffer.from(buffer, byteOffset, byteLength);
  }
}

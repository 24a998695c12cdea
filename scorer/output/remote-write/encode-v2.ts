import snappy from 'snappyjs';
import { ProtobufWriter } from '../../../daemon/wire/protobuf.ts';
import { groupBySeries, writeSample } from './encode.ts';
import type { SeriesSample } from './sample.ts';

const GAUGE = 2;

/**
 * Encodes an io.prometheus.write.v2.Request of remote write 2.0 as protobuf in snappy's block format: each text is sent
 * once, as a symbol. Every series is a gauge. https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
 */
export function encodeWriteRequestV2(samples: readonly SeriesSample[]): Uint8Array {
  // The first symbol must be empty.
  const symbols = new Map([['', 0]]);
  const reference = (text: string): number => {
    const known = symbols.get(text);
    if (known !== undefined) return known;
    symbols.set(text, symbols.size);
    return symbols.size - 1;
  };
  const series = groupBySeries(samples).map((one) => ({
    references: one[0].labels.flatMap(([name, value]) => [reference(name), reference(value)]),
    samples: one,
  }));
  const writer = new ProtobufWriter(samples.length * 80);
  for (const symbol of symbols.keys()) writer.string(4, symbol);
  for (const { references, samples: points } of series) {
    writer.message(5, (into) => {
      into.packedVarints(1, references);
      for (const { sample } of points) into.message(2, (message) => writeSample(message, sample));
      into.message(5, (metadata) => metadata.varint(1, GAUGE));
    });
  }
  return snappy.compress(writer.finish());
}

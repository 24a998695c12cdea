import type { SeriesSample } from './sample.ts';
import { encodeWriteRequest } from './encode.ts';
import { encodeWriteRequestV2 } from './encode-v2.ts';

/** The versions of the protocol. */
export type WriteVersion = '1.0' | '2.0';

/** The body of a request in snappy's block format. The samples must be valid (`violationOf`). */
export function encodeFor(version: WriteVersion, samples: readonly SeriesSample[]): Uint8Array {
  return version === '1.0' ? encodeWriteRequest(samples) : encodeWriteRequestV2(samples);
}

/** The headers of a request, https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/#required-http-headers */
export function headersFor(version: WriteVersion): Readonly<Record<string, string>> {
  return {
    'content-encoding': 'snappy',
    'content-type':
      version === '1.0' ? 'application/x-protobuf' : 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
    'x-prometheus-remote-write-version': version === '1.0' ? '0.1.0' : '2.0.0',
  };
}

/** The number of samples that a receiver of 2.0 says that it wrote; undefined for other receivers. */
export function samplesWritten(headers: Readonly<Record<string, string>>): number | undefined {
  const text = headers['x-prometheus-remote-write-samples-written'];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

import type { Readable } from 'node:stream';
import { deserialize, serialize } from 'node:v8';
import type { ScorerConfig } from '../config.ts';
import type { FeatureSet } from '../features/features.ts';
import { Identity } from '../identity/identity.ts';

/** Configuration and features of a scorer, as it gives them to its training process. */
export interface Given {
  readonly config: ScorerConfig;
  readonly set: FeatureSet;
}

/** As it is sent: a class would arrive without its methods. */
interface Sent {
  readonly config: Omit<ScorerConfig, 'identity'> & { readonly identity: readonly string[] };
  readonly set: FeatureSet;
}

/** One line. The files may have changed since they were read, and what is learned must fit the scorer that runs. */
export function encodeGiven({ config, set }: Given): string {
  const sent: Sent = { config: { ...config, identity: config.identity.labels }, set };
  return `${serialize(sent).toString('base64')}\n`;
}

/** Reads what `encodeGiven` wrote; the stream goes on. @throws Error if it ends before */
export async function readGiven(stream: Readable): Promise<Given> {
  const line = await new Promise<string>((resolve, reject) => {
    let text = '';
    const take = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      if (!text.endsWith('\n')) return;
      stream.off('data', take);
      resolve(text);
    };
    stream.on('data', take).once('end', () => reject(new Error('no configuration on standard input')));
  });
  const { config, set } = deserialize(Buffer.from(line, 'base64')) as Sent;
  return { config: { ...config, identity: new Identity(config.identity) }, set };
}

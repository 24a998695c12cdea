import type { Case, Truth } from '../case.ts';
import { KAFKA, pathOf } from '../tools.ts';
import { PORT } from './programs.ts';

/** A broker and a client of kafka/. The truth counts every request of the library. */
function kafkaCase(name: string, ...client: readonly string[]): Case {
  const [mode = '', ...options] = client;
  return {
    name,
    protocol: 'Kafka',
    needs: [KAFKA],
    expected: 'exact or absent',
    known: 'a server that reads the length first is not recognised',
    async serve({ server }) {
      await server.serve([pathOf(KAFKA), 'serve', `${server.address}:${PORT}`], PORT);
    },
    async ask({ client: place, server }) {
      const address = `${server.address}:${PORT}`;
      return JSON.parse(await place.run([pathOf(KAFKA), mode, address, ...options])) as Truth;
    },
  };
}

export const KAFKA_CASES: readonly Case[] = [
  kafkaCase('a producer, 6 messages, 0.5 s apart', 'produce', '6', '500'),
  kafkaCase('a consumer that polls for 0.5 s', 'consume', '3'),
];

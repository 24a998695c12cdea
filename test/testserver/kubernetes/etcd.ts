import { join } from 'node:path';
import { freePort } from '../../../scripts/free-port.ts';
import { startProgram } from '../prometheus.ts';

export interface RunningEtcd {
  readonly url: string;
  /** Writes values by key, many at a time. */
  put(values: ReadonlyMap<string, string>): Promise<void>;
  /** Removes all revisions before the current one. */
  compact(): Promise<void>;
  /** Stops the process. Idempotent. */
  kill(): Promise<void>;
}

/** etcd's own limit for one transaction (--max-txn-ops). */
const TRANSACTION_WRITES = 128;

/** Starts the etcd at the path `program` on a free port of the loopback interface, with its data below `folder`. */
export async function startEtcd(program: string, folder: string): Promise<RunningEtcd> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const flags = [
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    // Without peers.
    '--listen-peer-urls=http://127.0.0.1:0',
    // Data survive its own crash, but not that of the machine.
    '--unsafe-no-fsync',
    '--log-level=error',
  ];
  const etcd = await startProgram(program, flags, `${url}/readyz`);
  return {
    url,
    kill: () => etcd.kill(),
    async put(values) {
      const puts = [...values].map(([key, value]) => ({ requestPut: { key: base64(key), value: base64(value) } }));
      for (let from = 0; from < puts.length; from += TRANSACTION_WRITES)
        await ask(`${url}/v3/kv/txn`, { success: puts.slice(from, from + TRANSACTION_WRITES) });
    },
    async compact() {
      // Every response has the current revision.
      const { header } = await ask(`${url}/v3/kv/range`, { key: base64('/') });
      await ask(`${url}/v3/kv/compaction`, { revision: header.revision, physical: true });
    },
  };
}

interface Answer {
  readonly header: { readonly revision: string };
}

/** Uses etcd's JSON gateway, which requires keys and values in base64. */
async function ask(url: string, body: object): Promise<Answer> {
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`etcd: ${url}: ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as Answer;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

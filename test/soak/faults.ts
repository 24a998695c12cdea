import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunningProgram, serving } from '../running-program.ts';
import type { FedScorer } from '../scorer/fed-scorer.ts';
import type { Answer } from '../testserver/receiver.ts';

/** What faults happen to. */
export interface Patient {
  readonly fed: FedScorer;
  readonly scorer: RunningProgram;
  readonly exporter: RunningProgram;
  /** The exporter's targets file, which changes all the time. */
  readonly targetsFile: string;
}

/** Something that is wrong for a while. */
export interface Fault {
  readonly name: string;
  /** Resolves when all is well again. */
  readonly happen: (patient: Patient) => Promise<void>;
}

/** How long a fault lasts, milliseconds. */
const LASTS_MS = 15_000;

const receiverThat = (name: string, answer: Answer): Fault => ({
  name: `the receiver ${name}`,
  async happen({ fed: { receiver } }) {
    receiver.answerAll(answer);
    await sleep(LASTS_MS);
    receiver.answerAll(undefined);
  },
});

/** In turn, again and again. */
export const FAULTS: readonly Fault[] = [
  receiverThat('is unavailable', { status: 503 }),
  receiverThat('has a full disk', { status: 500, body: 'write to WAL: log samples: no space left on device' }),
  receiverThat('wants a long pause', { status: 429, headers: { 'retry-after': '86400' } }),
  receiverThat('never answers', 'hang'),
  receiverThat('closes each connection', 'cut'),
  {
    name: 'the configuration is reloaded while the receiver is away',
    async happen({ fed, scorer }) {
      fed.receiver.answerAll({ status: 503 });
      for (let time = 0; time < 5; time++) {
        fed.write();
        scorer.signal('SIGHUP');
        await sleep(LASTS_MS / 5);
      }
      fed.receiver.answerAll(undefined);
    },
  },
  {
    name: 'the configurations are wrong',
    async happen({ fed, scorer, exporter, targetsFile }) {
      const invalid = () => writeFileSync(targetsFile, 'targets: [\n');
      for (let time = 0; time < 5; time++) {
        fed.write('interval: [\n');
        invalid();
        for (const program of [scorer, exporter]) program.signal('SIGHUP');
        await sleep(LASTS_MS / 5);
      }
      rmSync(targetsFile);
      exporter.signal('SIGHUP');
      fed.write();
      scorer.signal('SIGHUP');
    },
  },
  {
    name: 'Prometheus is killed, and comes back',
    async happen({ fed: { prometheus } }) {
      await prometheus.crash();
      await sleep(LASTS_MS);
      await prometheus.restart();
    },
  },
  {
    name: 'Prometheus stands still',
    async happen({ fed: { prometheus } }) {
      process.kill(prometheus.pid, 'SIGSTOP');
      await sleep(LASTS_MS);
      process.kill(prometheus.pid, 'SIGCONT');
    },
  },
  {
    name: 'another exporter comes and is killed',
    async happen({ fed: { folder }, targetsFile }) {
      const other = await RunningProgram.start(serving('exporter', [`--targets.file=${targetsFile}`]), { cwd: folder });
      await sleep(LASTS_MS / 2);
      await other.kill();
    },
  },
];

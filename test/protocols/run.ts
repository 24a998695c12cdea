import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Case } from './case.ts';
import type { Lab } from './lab.ts';
import { difference, readSnapshot, type Snapshot } from './series.ts';
import { judge, type Row } from './verdict.ts';

/** Between the scrapes that must agree before traffic counts as finished. */
const QUIET_MS = 200;
const MAX_SCRAPES = 50;

/** Runs the traffic of a case on a stage of its own, and compares what the exporter reports. */
export function run(lab: Lab, subject: Case): Promise<Row> {
  return lab.withStage(async (stage) => {
    const client = stage[subject.measuredClient ?? 'client'].service;
    const snapshot = () => readSnapshot(lab.exporter, client, stage.server.service);
    await subject.serve(stage);
    const before = await settled(snapshot);
    const truth = await subject.ask(stage);
    const after = await settled(snapshot);
    return judge(subject, truth, difference(after, before));
  });
}

/** Connections may close a moment later. What is said about all services may change with those of other stages. */
async function settled(snapshot: () => Promise<Snapshot>): Promise<Snapshot> {
  let last = await snapshot();
  for (let scrapes = 0; scrapes < MAX_SCRAPES; scrapes++) {
    await sleep(QUIET_MS);
    const next = await snapshot();
    if (isDeepStrictEqual({ ...next, said: undefined }, { ...last, said: undefined })) return next;
    last = next;
  }
  throw new Error(`the series still change after ${MAX_SCRAPES} scrapes`);
}

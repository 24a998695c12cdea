import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { featureOf } from './feature.testdata.ts';
import { Seasons } from './seasons.ts';

const DAY = 1440;
const WEEK = 7 * DAY;
const features = [featureOf('cpu', 'saturation'), featureOf('rate', 'traffic'), featureOf('latency', 'latency')];
/** A Wednesday's 03:00, whatever the slot begins with. */
const NIGHT = 1000 * DAY + 180;
const create = () => new Seasons(features, [DAY, WEEK]);

describe('Seasons', () => {
  it('tolerates 1.5 times the error of the same feature at the same time a day or a week ago', () => {
    const seasons = create();
    seasons.record('job', NIGHT, [8, 1.4, NaN]);
    seasons.record('job', NIGHT + 3, [6, 0, 2]);
    for (const later of [DAY, WEEK]) expect(seasons.tolerance('job', NIGHT + later)).toEqual([12, 1, 3]);
    expect(seasons.tolerance('other', NIGHT + DAY)).toBeUndefined();
  });

  it('covers a job that starts a quarter of an hour early or late, and nothing an hour off or on a day between', () => {
    const seasons = create();
    seasons.record('job', NIGHT, [8, 0, 0]);
    for (const shift of [-15, -7, 7, 15]) expect(seasons.tolerance('job', NIGHT + DAY + shift)?.[0]).toBe(12);
    for (const far of [-60, 60, 2 * DAY, 5 * DAY]) {
      expect(seasons.tolerance('job', NIGHT + far + (far < DAY ? DAY : 0))).toBeUndefined();
    }
  });

  it('does not tolerate what alarmed: the same fault at the same hour is the same fault', () => {
    const seasons = create();
    for (const minute of [0, 1, 2]) seasons.record('cart', NIGHT + minute, [9, 0, 8], 'anomalous');
    seasons.record('cart', NIGHT + 3, [0, 0, 0]);
    expect(seasons.tolerance('cart', NIGHT + DAY)).toBeUndefined();
  });

  it('tolerates what was above the threshold for one step only: that is no alarm', () => {
    const seasons = create();
    seasons.record('cart', NIGHT, [0, 0, 8], 'anomalous');
    seasons.record('cart', NIGHT + 1, [0, 0, 0]);
    expect(seasons.tolerance('cart', NIGHT + DAY)).toEqual([1, 1, 12]);
  });

  it('knows a job of any period from its third time on, by its load, and never by its latency', () => {
    const seasons = create();
    const run = (step: number, judged: 'anomalous' | 'tolerated') => {
      for (const minute of [0, 1, 2]) seasons.record('job', step + minute, [9, 6, 8], judged);
      seasons.record('job', step + 3, [0, 0, 0]);
    };
    run(NIGHT, 'anomalous');
    expect(seasons.tolerance('job', NIGHT + 60)).toBeUndefined();
    run(NIGHT + 60, 'anomalous');
    for (const hour of [2, 3, 4]) {
      expect(seasons.tolerance('job', NIGHT + hour * 60)).toEqual([13.5, 9, 1]);
      expect(seasons.tolerance('job', NIGHT + hour * 60 - 30)).toBeUndefined();
      for (const minute of [0, 1, 2]) seasons.record('job', NIGHT + hour * 60 + minute, [9, 6, 0], 'tolerated');
    }
  });

  it('forgets what no period asks for any more, and services that are gone', () => {
    const seasons = create();
    seasons.record('job', NIGHT, [8, 0, 0]);
    seasons.record('gone', NIGHT, [8, 0, 0]);
    seasons.forget(NIGHT + WEEK, (key) => key === 'job');
    expect(seasons.size).toBe(1);
    expect(seasons.tolerance('job', NIGHT + WEEK)?.[0]).toBe(12);
    seasons.forget(NIGHT + WEEK + 60, () => true);
    expect(seasons.size).toBe(0);
  });
});

describe('saved seasons', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'lorikeet-seasons-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('come back under the names of the features, whatever their order then', async () => {
    const path = join(folder, 'seasons.json');
    const saved = create();
    saved.record('["a/b","ü"]', NIGHT, [8, 0, 4]);
    await saved.save(path);
    const read = new Seasons([features[2]!, featureOf('new', 'errors'), features[0]!], [DAY]);
    read.record('["a/b","ü"]', NIGHT, [6, 0, 1.5]);
    expect(read.load(path)).toBeUndefined();
    expect(read.tolerance('["a/b","ü"]', NIGHT + DAY)).toEqual([9, 1, 12]);
  });

  it('are left out with a reason when damaged, and silently when there are none yet', async () => {
    const path = join(folder, 'seasons.json');
    expect(create().load(path)).toBeUndefined();
    const saved = create();
    saved.record('a', NIGHT, [8, 0, 0]);
    await saved.save(path);
    for (const damage of [readFileSync(path, 'utf8').slice(0, -5), '[]', '{"format":9}']) {
      writeFileSync(path, damage);
      const seasons = create();
      expect(seasons.load(path)).toContain(path);
      expect(seasons.size).toBe(0);
    }
  });
});

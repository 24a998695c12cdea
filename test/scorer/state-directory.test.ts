import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { startPrometheus } from '../testserver/prometheus.ts';
import { metric, ScorerBed } from './running-scorer.ts';

const KNOWN = { namespace: 'shop', service: 'cart' };
const NEW = { namespace: 'shop', service: 'new' };

/** A small file system below the test's directory. */
function mountDisk(bed: ScorerBed, name: string): string {
  const folder = join(bed.folder, name);
  mkdirSync(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', `lorikeet-${process.pid}`, folder]);
  bed.onClear(() => void execFileSync('umount', [folder]));
  return folder;
}

const remount = (folder: string, options: string) => execFileSync('mount', ['-o', `remount,${options}`, folder]);

const FAULTS = {
  full: {
    says: 'ENOSPC',
    begin: (folder: string) => {
      const { bavail, bsize } = statfsSync(folder);
      writeFileSync(join(folder, 'filler'), Buffer.alloc(bavail * bsize));
    },
    end: (folder: string) => rmSync(join(folder, 'filler')),
  },
  'read-only': {
    says: 'EROFS',
    begin: (folder: string) => void remount(folder, 'ro'),
    end: (folder: string) => void remount(folder, 'rw'),
  },
} as const;

describe.each(Object.entries(FAULTS))(
  'a state directory that is %s',
  { timeout: 120_000 },
  (name, { says, begin, end }) => {
    const bed = new ScorerBed();
    afterAll(() => bed.clear());

    it('only delays the score of a new service until it is repaired, and is logged', async () => {
      const prometheus = await startPrometheus();
      bed.onClear(() => prometheus.stop());
      const write = `${prometheus.url}/api/v1/write`;
      bed.play(write, [KNOWN, NEW]);
      const disk = mountDisk(bed, name);
      const configFile = bed.configure(name, prometheus.url, write);
      const app = await bed.scorer(configFile, [KNOWN]);
      const profiles = join(disk, 'models/profiles.json');
      const before = readFileSync(profiles, 'utf8');
      begin(disk);
      await app.start();

      await bed.until(
        'learning fails twice',
        () => metric(app, 'training_failures_total'),
        (count) => count >= 2,
        80_000,
      );
      expect(await metric(app, 'services{state="scored"}')).toBe(1);
      expect(await metric(app, 'services{state="learning"}')).toBe(1);
      expect(bed.logged('learning failed, retrying later')).toBe(1);
      expect(bed.log.some((line) => line.includes(says))).toBe(true);
      // The previous state is complete: a restart uses it.
      expect(readFileSync(profiles, 'utf8')).toBe(before);

      end(disk);
      await bed.until(
        'the new one is scored',
        () => metric(app, 'services{state="scored"}'),
        (count) => count === 2,
        60_000,
      );
      expect(bed.logged('learning works again')).toBe(1);
    });
  },
);

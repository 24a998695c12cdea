import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type ProgramContext, runProgram } from '../../daemon/lifecycle.ts';
import { startDemo } from './running-demo.ts';
import { startPreview } from './server.ts';

const run = promisify(execFile);
const FOLDER = 'docs/images';
const BROKEN = 'catalog-db';
/** Time from the fault to the pictures, and the time shown before the fault. */
const SETTLED_SECONDS = 60;
const SHOWN_SECONDS = 210;

interface Picture {
  readonly name: string;
  readonly search: string;
  readonly height: number;
}

const WIDTH = 1600;
const PICTURES: readonly Picture[] = [
  { name: 'overview', search: 'dashboard=lorikeet-overview', height: 1176 },
  { name: 'service', search: `dashboard=lorikeet-service&namespace=shop&service=${BROKEN}`, height: 1440 },
];

/** `npm run pictures`: injects a fault into the simulated shop and takes the pictures of the documentation. */
async function main({ stops }: ProgramContext): Promise<number> {
  if (!(await hasChromium())) {
    process.stderr.write('pictures: SKIPPED: chromium is not installed (Debian: apt-get install chromium)\n');
    return 0;
  }
  const demo = await startDemo(['--fault=latency', `--service=${BROKEN}`, '--learning=120', '--keep', '--hold=600']);
  stops.onStop('demo', () => demo.stop());
  process.stdout.write(`pictures: waiting for an incident on ${demo.prometheusUrl}\n`);
  await demo.incident();
  await sleep(SETTLED_SECONDS * 1000);
  const { prometheusUrl, scorerUrl } = demo;
  const preview = await startPreview({ prometheusUrl, scorerUrl, port: 0 });
  stops.onStop('preview', () => preview.stop());
  const at = Math.floor(Date.now() / 1000);
  mkdirSync(FOLDER, { recursive: true });
  for (const { name, search, height } of PICTURES) {
    await take(`${preview.url}/?${search}&at=${at}&span=${SHOWN_SECONDS}`, height, resolve(FOLDER, `${name}.png`));
    process.stdout.write(`pictures: ${FOLDER}/${name}.png\n`);
  }
  return 0;
}

async function hasChromium(): Promise<boolean> {
  return run('chromium', ['--version']).then(
    () => true,
    () => false,
  );
}

async function take(url: string, height: number, file: string): Promise<void> {
  const profile = mkdtempSync(join(tmpdir(), 'lorikeet-chromium-'));
  try {
    await run('chromium', [
      '--headless=new',
      // Only local pages are shown, and the sandbox does not work as root.
      '--no-sandbox',
      '--disable-gpu',
      '--hide-scrollbars',
      `--user-data-dir=${profile}`,
      `--window-size=${WIDTH},${height}`,
      '--virtual-time-budget=15000',
      `--screenshot=${file}`,
      url,
    ]);
  } finally {
    rmSync(profile, { recursive: true, force: true });
  }
}

/** The simulated shop needs time to stop. */
const STOP_TIMEOUT_MS = 90_000;

await runProgram('pictures', main, STOP_TIMEOUT_MS);

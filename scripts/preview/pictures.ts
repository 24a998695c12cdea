import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type ProgramContext, runProgram } from '../../daemon/lifecycle.ts';
import { IMAGES, pictureSums, sourceSums, SUMS } from './picture-sums.ts';
import { startDemo } from './running-demo.ts';
import { DEMO_FLAGS, PICTURES, SETTLED_SECONDS, SHOWN_SECONDS, WIDTH } from './scene.ts';
import { startPreview } from './server.ts';

const run = promisify(execFile);

/** `npm run preview -- pictures`: injects a fault into the simulated shop and takes the pictures of the documentation. */
async function main({ stops }: ProgramContext): Promise<number> {
  if (!(await hasChromium())) {
    process.stderr.write('pictures: SKIPPED: chromium is not installed (Debian: apt-get install chromium)\n');
    return 0;
  }
  // Before the scene: a source may change while it is played.
  const sources = sourceSums('.');
  const demo = await startDemo(DEMO_FLAGS);
  stops.onStop('demo', () => demo.stop());
  process.stdout.write(`pictures: waiting for an incident on ${demo.prometheusUrl}\n`);
  await demo.incident();
  await sleep(SETTLED_SECONDS * 1000);
  const { prometheusUrl, scorerUrl } = demo;
  const preview = await startPreview({ prometheusUrl, scorerUrl, port: 0 });
  stops.onStop('preview', () => preview.stop());
  const at = Math.floor(Date.now() / 1000);
  for (const { name, dashboard, variables, height } of PICTURES) {
    const search = new URLSearchParams({ dashboard, ...variables, at: `${at}`, span: `${SHOWN_SECONDS}` });
    await take(`${preview.url}/?${search}`, height, resolve(IMAGES, `${name}.png`));
    process.stdout.write(`pictures: ${IMAGES}/${name}.png\n`);
  }
  writeFileSync(SUMS, pictureSums('.') + sources);
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

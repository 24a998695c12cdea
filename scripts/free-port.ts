import { closeSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Below the ports that Linux by default gives to clients and to servers that take any: nothing gets one of these by chance. */
const [FIRST, LAST] = [12_000, 32_000];
/** A file for each port that was handed out lately, by this process or another one. */
const CLAIMS = join(tmpdir(), 'lorikeet-ports');
/** Time after which a port may be handed out again if nothing listens there, in milliseconds. */
const CLAIM_MS = 600_000;

/** A TCP port of the loopback interface at which nothing listens, and that no other caller is given meanwhile. */
export async function freePort(): Promise<number> {
  mkdirSync(CLAIMS, { recursive: true });
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (claim(join(CLAIMS, String(port))) && (await isFree(port))) return port;
  }
}

function claim(file: string): boolean {
  try {
    closeSync(openSync(file, 'wx'));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  // The next caller may have it.
  const age = Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Infinity);
  if (age > CLAIM_MS) rmSync(file, { force: true });
  return false;
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

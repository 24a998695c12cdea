import { execFileSync } from 'node:child_process';

/** True if a program is installed; otherwise prints its Debian package. */
export function isInstalled(program: string, debianPackage: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    process.stdout.write(`SKIPPED: ${program} is not installed (Debian: ${debianPackage})\n`);
    return false;
  }
}

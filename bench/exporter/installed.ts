import { execFileSync } from 'node:child_process';

/** Whether a program is there; says so if not, and which of Debian's packages has it. */
export function isInstalled(program: string, debianPackage: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    process.stdout.write(`LEFT OUT: ${program} isn't installed (Debian: ${debianPackage})\n`);
    return false;
  }
}

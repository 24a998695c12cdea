import { spawn } from 'node:child_process';

/** A system program failed or is missing; the message has its error output. */
export class CommandError extends Error {
  readonly code = 'COMMAND';
  override readonly name = 'CommandError';
}

/**
 * Runs a program and waits for its exit.
 *
 * @param input written to its standard input.
 * @throws CommandError unless it exits with 0.
 */
export function runCommand(command: string, args: readonly string[], input = ''): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'ENOENT' ? 'not installed or not in PATH' : cause.message;
      reject(new CommandError(`${command}: ${why}`, { cause }));
    });
    child.on('close', (status) => {
      const said = stderr.trim() === '' ? `exit status ${status}` : stderr.trim().replaceAll('\n', '; ');
      if (status === 0) resolve();
      else reject(new CommandError(`${command} ${args.join(' ')}: ${said}`));
    });
    // A program that does not read its input closes the pipe; its exit status is sufficient.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

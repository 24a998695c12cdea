// First, because its flags apply to everything loaded after it.
// oxlint-disable-next-line import/no-unassigned-import
import './memory/v8-flags.ts';
import { defineProgram } from '../daemon/command.ts';
import { runProgram } from '../daemon/lifecycle.ts';
import { check } from './commands/check.ts';
import { run } from './commands/run.ts';

await runProgram('lorikeet-exporter', defineProgram({ commands: { check }, unnamed: run }));

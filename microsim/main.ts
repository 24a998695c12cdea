import { defineProgram } from '../daemon/command.ts';
import { runProgram } from '../daemon/lifecycle.ts';
import { down } from './commands/down.ts';
import { fault } from './commands/fault.ts';
import { inject } from './commands/inject.ts';
import { load } from './commands/load.ts';
import { record } from './commands/record.ts';
import { status } from './commands/status.ts';
import { up } from './commands/up.ts';

/* `lorikeet-sim`: a simulated microservice system of real processes, with injectable faults. */
await runProgram('lorikeet-sim', defineProgram({ commands: { up, down, status, fault, inject, load, record } }));

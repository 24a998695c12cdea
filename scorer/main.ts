import { defineProgram } from '../daemon/command.ts';
import { runProgram } from '../daemon/lifecycle.ts';
import { backtest } from './commands/backtest.ts';
import { doctor } from './commands/doctor.ts';
import { dashboards } from './commands/dashboards.ts';
import { rules } from './commands/rules.ts';
import { STOP_MS } from './app.ts';
import { run } from './commands/run.ts';
import { train } from './commands/train.ts';

const commands = { run, train, backtest, doctor, rules, dashboards };
await runProgram('lorikeet-scorer', defineProgram({ commands }), STOP_MS);

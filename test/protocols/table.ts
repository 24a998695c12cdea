import { reportedMeanMs, trueMeanMs, type Row } from './verdict.ts';
import type { Reported } from './series.ts';

/** A case that could not run on this machine. */
export interface Skipped {
  readonly name: string;
  readonly protocol: string;
  readonly reason: string;
}

const HEADER = ['traffic', 'protocol', 'truth', 'client', 'server', 'unanswered', 'result'];

/** The rows as a Markdown table; a skipped case has a row with the reason. */
export function markdownTable(rows: readonly Row[], skipped: readonly Skipped[] = []): string {
  const cells = [
    ...byProtocol(rows).map(cellsOf),
    ...skipped.map(({ name, protocol, reason }) => [name, protocol, '', '', '', '', `not run: ${reason}`]),
  ];
  const lines = [HEADER, HEADER.map(() => '---'), ...cells];
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n');
}

/** Rows of one protocol follow each other. */
function byProtocol(rows: readonly Row[]): readonly Row[] {
  const protocols = [...new Set(rows.map(({ protocol }) => protocol))];
  return protocols.flatMap((name) => rows.filter(({ protocol }) => protocol === name));
}

function cellsOf({ name, protocol, truth, reported, verdict, faults }: Row): readonly string[] {
  const { requests, unanswered = 0 } = truth;
  return [
    name,
    reported.protocols.length > 0 ? `${protocol} (${reported.protocols.join(', ')})` : protocol,
    requests === 0 ? '0' : `${requests} × ${milliseconds(trueMeanMs(truth))}`,
    reportedCell(reported.client),
    reportedCell(reported.server),
    unanswered === reported.unanswered ? String(unanswered) : `${reported.unanswered} (truth: ${unanswered})`,
    verdict === 'wrong' ? `**wrong**: ${faults.join('; ')}` : verdict,
  ];
}

const reportedCell = (reported: Reported): string =>
  reported.requests === 0 ? '0' : `${reported.requests} × ${milliseconds(reportedMeanMs(reported))}`;

const milliseconds = (value: number): string => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;

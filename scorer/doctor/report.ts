import { escapeLines } from '../../daemon/text/visible.ts';
import { type Status } from './check.ts';
import type { Examination } from './examine.ts';

/** The program's exit status. */
export const EXIT_STATUS: Readonly<Record<Status, number>> = { ok: 0, warning: 1, error: 2 };

const VERDICTS: Readonly<Record<Status, string>> = {
  ok: 'the scorer can work',
  warning: 'the scorer can work, but see the warnings',
  error: 'the scorer cannot work until the errors are fixed',
};

/** The examination as text: a line for each finding, and below it what to do. */
export function renderExamination({ status, findings, skipped }: Examination): string {
  const width = Math.max(...findings.map(({ check }) => check.length), 0) + 2;
  const lines = findings.flatMap(({ check, status: of, message, remedy }) => [
    `${of.padEnd(9)}${check.padEnd(width)}${message}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(9 + width)}-> ${remedy}`]),
  ]);
  const left = skipped.length === 0 ? [] : [`not checked, because Prometheus does not answer: ${skipped.join(', ')}`];
  // Labels are whatever Prometheus was sent.
  return escapeLines(`${[...lines, '', ...left, VERDICTS[status]].join('\n')}\n`);
}

/** The examination as JSON. Stable: fields are only added. */
export function renderExaminationJson({ status, findings, skipped }: Examination): string {
  const shown = findings.map(({ check, status: of, message, remedy }) => ({
    check,
    status: of,
    message,
    ...(remedy !== undefined && { remedy }),
  }));
  return `${JSON.stringify({ status, findings: shown, skipped }, undefined, 2)}\n`;
}

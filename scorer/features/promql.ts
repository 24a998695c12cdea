import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { z } from 'zod';

type ValueType = 'scalar' | 'string' | 'vector' | 'matrix';

/** Functions whose result is one number, without labels. */
const SCALAR_FUNCTIONS = new Set(['scalar', 'time', 'pi', 'start', 'end', 'range', 'step']);
/** Functions that read a range of samples, besides those with `_over_time` in their names. */
const RANGE_FUNCTIONS = new Set([
  'changes',
  'delta',
  'deriv',
  'double_exponential_smoothing',
  'holt_winters',
  'idelta',
  'increase',
  'irate',
  'predict_linear',
  'rate',
  'resets',
]);

/**
 * What is wrong with an expression that must yield series with one value each; undefined if nothing is. It is checked by
 * Prometheus' own grammar; functions only by the type of the range that they read.
 */
export function problemOfPromQL(expression: string): string | undefined {
  const top = parser.parse(expression).topNode;
  const error = firstError(top);
  if (error !== undefined) return `syntax error ${place(expression, error.from)}`;
  const root = operands(top)[0];
  const found: string[] = [];
  const type = root === undefined ? 'vector' : typeOf(root, expression, found);
  if (found[0] !== undefined) return found[0];
  return type === 'vector' ? undefined : `expected an instant vector, got a ${NAMES[type]}`;
}

/** An expression that yields series with one value each. */
export const promqlSchema = z
  .string('expected a PromQL expression')
  .min(1, 'expected a PromQL expression')
  .superRefine((expression, context) => {
    const problem = problemOfPromQL(expression);
    if (problem === undefined) return;
    context.addIssue({ code: 'custom', message: `expected a PromQL expression: ${problem}`, input: expression });
  });

const NAMES = { scalar: 'scalar', string: 'string', vector: 'instant vector', matrix: 'range vector' } as const;

function place(expression: string, at: number): string {
  const rest = expression.slice(at).trim();
  return rest === '' ? 'at the end' : `at ${JSON.stringify(rest.length > 20 ? `${rest.slice(0, 20)}...` : rest)}`;
}

function firstError(node: SyntaxNode): SyntaxNode | undefined {
  if (node.type.isError) return node;
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    const error = firstError(child);
    if (error !== undefined) return error;
  }
  return undefined;
}

const EXPRESSIONS =
  /^(AggregateExpr|BinaryExpr|FunctionCall|MatrixSelector|Number(Duration)?Literal(InDurationContext)?|OffsetExpr|ParenExpr|StringLiteral|SubqueryExpr|UnaryExpr|VectorSelector|StepInvariantExpr)$/;

/** The expressions directly inside a node, also those of an argument list. */
function operands(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    if (EXPRESSIONS.test(child.name)) found.push(child);
    else if (child.name === 'FunctionCallBody') found.push(...operands(child));
  }
  return found;
}

/** The type of an expression; adds to `found` what is wrong inside it. */
function typeOf(node: SyntaxNode, text: string, found: string[]): ValueType {
  const types = operands(node).map((operand) => typeOf(operand, text, found));
  switch (node.name) {
    case 'StringLiteral':
      return 'string';
    case 'MatrixSelector':
    case 'SubqueryExpr':
      return 'matrix';
    case 'VectorSelector':
      return 'vector';
    case 'AggregateExpr':
      if (types.includes('matrix')) found.push('an aggregation of a range vector');
      return 'vector';
    case 'BinaryExpr': {
      const wrong = types.find((type) => type === 'matrix' || type === 'string');
      if (wrong !== undefined) found.push(`an operator with a ${NAMES[wrong]}`);
      return types.every((type) => type === 'scalar') ? 'scalar' : 'vector';
    }
    case 'FunctionCall':
      return callType(node, text, types, found);
    case 'OffsetExpr':
    case 'ParenExpr':
    case 'StepInvariantExpr':
    case 'UnaryExpr':
      return types[0] ?? 'vector';
    default:
      return 'scalar';
  }
}

function callType(node: SyntaxNode, text: string, types: readonly ValueType[], found: string[]): ValueType {
  const name = text.slice(node.from, node.firstChild?.to).trim();
  const ranges = types.filter((type) => type === 'matrix').length;
  const reads = RANGE_FUNCTIONS.has(name) || name.endsWith('_over_time');
  if (reads && ranges !== 1) found.push(`${name} needs a range, as in ${name}(x[5m])`);
  if (!reads && ranges > 0) found.push(`${name} of a range vector`);
  return SCALAR_FUNCTIONS.has(name) ? 'scalar' : 'vector';
}

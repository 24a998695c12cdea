import { ratio } from '../../../scorer/backtest/report/columns.ts';
import { markdown } from '../../../scorer/backtest/report/markdown.ts';
import type { Outcome } from '../outcomes.ts';
import { estimate } from '../table.ts';
import type { ShopOutcomes } from './outcomes-file.ts';
import {
  causeAmong,
  difference,
  falseAlarmsPerDay,
  type Figure,
  recall,
  recallAtCulprit,
  shareOfShop,
  shareOverShops,
  spread,
  typesOf,
} from './over-shops.ts';

const PRODUCT = 'autoencoder';

type Table = readonly (readonly string[])[];
/** Whether a fault counts as found. */
type Hit = (outcome: Outcome) => boolean;

const seen: Hit = (outcome) => outcome.seen;
const seenAtCulprit: Hit = (outcome) => outcome.seenAtCulprit;
const firstAtAlert: Hit = ({ places }) => places.alert <= 1;

function among(count: number): Hit {
  return ({ places }) => places.start <= count;
}

/** The tables over shops, as text: all methods, each shop, and the types of fault. */
export function renderSummary(rows: readonly ShopOutcomes[]): string {
  const sections: readonly (readonly [string, Table])[] = [
    ['Median and range over shops', overShops(rows)],
    ['Mean difference from the product, with 95 % intervals bootstrapped over shops', differences(rows)],
    ['Each shop, with 95 % intervals bootstrapped over its faults', eachShop(rows)],
    ['By type, over the faults of all shops, with 95 % intervals bootstrapped over shops', byType(rows)],
  ];
  return sections.map(([title, table]) => `${title}:\n\n${markdown(table)}`).join('\n');
}

/** The shops of each method, in the order of the methods' first rows. */
function byMethod(rows: readonly ShopOutcomes[]): (readonly ShopOutcomes[])[] {
  const names = [...new Set(rows.map(({ method }) => method))];
  return names.map((name) => rows.filter(({ method }) => method === name));
}

export function overShops(rows: readonly ShopOutcomes[]): Table {
  const body = byMethod(rows).map((shops) => {
    const cell = (figure: Figure) => {
      const { median, low, high } = spread(shops, figure);
      return Number.isFinite(median) ? `${ratio(median)} (${ratio(low)}-${ratio(high)})` : '-';
    };
    const detection = (figure: Figure) => (isDetecting(shops) ? cell(figure) : '-');
    return [
      titleOf(shops),
      ...[recall, recallAtCulprit, falseAlarmsPerDay].map(detection),
      ...[1, 3, 5].map((count) => cell(causeAmong('start', count))),
      cell(causeAmong('late', 1)),
      detection(causeAmong('alert', 1)),
    ];
  });
  const head = ['method', 'recall', 'at the culprit', 'false alarms', 'cause @1', '@3', '@5'];
  return [[...head, '@1 late', '@1 at alert'], ...body];
}

/** The product with the features of a method; if that is the method itself, with the usual ones. */
function productBeside(method: string): string {
  const [, features] = method.split('+');
  const same = features === undefined ? PRODUCT : `${PRODUCT}+${features}`;
  return same === method ? PRODUCT : same;
}

export function differences(rows: readonly ShopOutcomes[]): Table {
  const methods = byMethod(rows);
  const named = (name: string) => methods.find(([shop]) => shop?.method === name);
  const body = methods
    .filter(([shop]) => shop?.method !== PRODUCT)
    .map((shops) => {
      const product = named(productBeside(shops[0]!.method)) ?? named(PRODUCT) ?? [];
      const cell = (figure: Figure) => signed(difference(shops, product, figure));
      const detection = (figure: Figure) => (isDetecting(shops) ? cell(figure) : '-');
      return [
        titleOf(shops),
        ...[recall, recallAtCulprit, falseAlarmsPerDay].map(detection),
        ...[1, 3].map((count) => cell(causeAmong('start', count))),
        detection(causeAmong('alert', 1)),
      ];
    });
  return [['method', 'recall', 'at the culprit', 'false alarms', 'cause @1', '@3', '@1 at alert'], ...body];
}

export function eachShop(rows: readonly ShopOutcomes[]): Table {
  const body = byMethod(rows).flatMap((shops) =>
    shops.map((shop) => {
      const cell = (isHit: Hit) => estimate(shareOfShop(shop, isHit));
      const detection = [cell(seen), cell(seenAtCulprit), ratio(falseAlarmsPerDay(shop))];
      return [
        shop.recording,
        `${shop.outcomes.length}`,
        ratio(shop.service_days),
        shop.title,
        ...(shop.detects ? detection : detection.map(() => '-')),
        ...[1, 3, 5].map((count) => cell(among(count))),
      ];
    }),
  );
  const head = ['shop', 'faults', 'service-days', 'method', 'recall', 'at the culprit', 'false alarms'];
  return [[...head, 'cause @1', '@3', '@5'], ...body];
}

function byType(rows: readonly ShopOutcomes[]): Table {
  const body = byMethod(rows).flatMap((shops) =>
    typesOf(shops).map((type) => {
      const cell = (isHit: Hit) => estimate(shareOverShops(shops, isHit, type));
      const detection = (isHit: Hit) => (isDetecting(shops) ? cell(isHit) : '-');
      return [
        type,
        `${shareOverShops(shops, seen, type).faults}`,
        titleOf(shops),
        ...[seen, seenAtCulprit].map(detection),
        ...[1, 3, 5].map((count) => cell(among(count))),
        detection(firstAtAlert),
      ];
    }),
  );
  const head = ['type', 'faults', 'method', 'recall', 'at the culprit', 'cause @1', '@3', '@5', '@1 at alert'];
  return [head, ...body];
}

/** What is compared of the types of fault, each as a table of types and methods. */
export const COMPARED = {
  culprit: { title: 'Recall at the culprit', isHit: seenAtCulprit, detects: true },
  cause: { title: 'Cause first, three cycles after the start', isHit: among(1), detects: false },
  alert: { title: 'Cause first when the alert fires', isHit: firstAtAlert, detects: true },
} as const;

/** One row for each type of fault, one column for each method. */
export function typesByMethod(rows: readonly ShopOutcomes[], compared: keyof typeof COMPARED): Table {
  const { isHit, detects } = COMPARED[compared];
  const methods = byMethod(rows).filter((shops) => !detects || isDetecting(shops));
  const body = typesOf(rows).map((type) => {
    const shares = methods.map((shops) => shareOverShops(shops, isHit, type));
    return [type, `${shares[0]?.faults ?? 0}`, ...shares.map(estimate)];
  });
  return [['type', 'faults', ...methods.map(titleOf)], ...body];
}

function titleOf([shop]: readonly ShopOutcomes[]): string {
  return shop?.title ?? '';
}

function isDetecting([shop]: readonly ShopOutcomes[]): boolean {
  return shop?.detects === true;
}

/** `+0.12 (-0.01 to +0.20)`. */
function signed({ mean, low, high }: { readonly mean: number; readonly low: number; readonly high: number }): string {
  const sign = (value: number) => `${value < 0 ? '-' : '+'}${ratio(Math.abs(value))}`;
  return Number.isFinite(mean) ? `${sign(mean)} (${sign(low)} to ${sign(high)})` : '-';
}

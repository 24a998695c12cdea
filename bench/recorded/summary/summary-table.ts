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

const first = ({ places }: Outcome) => places.start <= 1;
const among =
  (count: number) =>
  ({ places }: Outcome) =>
    places.start <= count;

/** All methods over the shops, each shop for itself, by type of fault, and what each part brings. */
export function renderSummary(rows: readonly ShopOutcomes[]): string {
  const names = [...new Set(rows.map(({ method }) => method))];
  const methods = names.map((name) => rows.filter(({ method }) => method === name));
  const product = rows.filter(({ method }) => method === PRODUCT);
  const sections: readonly (readonly [string, readonly (readonly string[])[]])[] = [
    ['Median and range over shops', overShops(methods)],
    ['Mean difference from the product, with 95 % intervals bootstrapped over shops', differences(methods, product)],
    ['Each shop, with 95 % intervals bootstrapped over its faults', eachShop(methods)],
    ['By type, over the faults of all shops, with 95 % intervals bootstrapped over shops', byType(methods)],
  ];
  return sections.map(([title, table]) => `${title}:\n\n${markdown(table)}`).join('\n');
}

type Methods = readonly (readonly ShopOutcomes[])[];

function overShops(methods: Methods): string[][] {
  const rows = methods.map((shops) => {
    const cell = (figure: Figure) => {
      const { median, low, high } = spread(shops, figure);
      return Number.isFinite(median) ? `${ratio(median)} (${ratio(low)}-${ratio(high)})` : '-';
    };
    const detected = [recall, recallAtCulprit, falseAlarmsPerDay].map((figure) =>
      isDetecting(shops) ? cell(figure) : '-',
    );
    const places = [1, 3, 5].map((count) => cell(causeAmong('start', count)));
    const atAlert = isDetecting(shops) ? cell(causeAmong('alert', 1)) : '-';
    return [titleOf(shops), ...detected, ...places, cell(causeAmong('late', 1)), atAlert];
  });
  return [
    ['method', 'recall', 'at the culprit', 'false alarms', 'cause @1', '@3', '@5', '@1 late', '@1 at alert'],
    ...rows,
  ];
}

function differences(methods: Methods, product: readonly ShopOutcomes[]): string[][] {
  const rows = methods
    .filter(([shop]) => shop?.method !== PRODUCT)
    .map((shops) => {
      const cell = (figure: Figure) => signed(difference(shops, product, figure));
      const detected = [recall, recallAtCulprit, falseAlarmsPerDay].map((figure) =>
        isDetecting(shops) ? cell(figure) : '-',
      );
      const atAlert = isDetecting(shops) ? cell(causeAmong('alert', 1)) : '-';
      return [titleOf(shops), ...detected, cell(causeAmong('start', 1)), cell(causeAmong('start', 3)), atAlert];
    });
  return [['method', 'recall', 'at the culprit', 'false alarms', 'cause @1', '@3', '@1 at alert'], ...rows];
}

function eachShop(methods: Methods): string[][] {
  const rows = methods.flatMap((shops) =>
    shops.map((shop) => [
      shop.recording,
      `${shop.outcomes.length}`,
      ratio(shop.service_days),
      shop.title,
      ...(shop.detects
        ? [
            estimate(shareOfShop(shop, ({ seen }) => seen)),
            estimate(shareOfShop(shop, ({ seenAtCulprit }) => seenAtCulprit)),
            ratio(falseAlarmsPerDay(shop)),
          ]
        : ['-', '-', '-']),
      ...[1, 3, 5].map((count) => estimate(shareOfShop(shop, among(count)))),
    ]),
  );
  const head = ['shop', 'faults', 'service-days', 'method', 'recall', 'at the culprit', 'false alarms'];
  return [[...head, 'cause @1', '@3', '@5'], ...rows];
}

function byType(methods: Methods): string[][] {
  const rows = methods.flatMap((shops) =>
    typesOf(shops).map((type) => {
      const cell = (isHit: (outcome: Outcome) => boolean) => estimate(shareOverShops(shops, isHit, type));
      const { faults } = shareOverShops(shops, first, type);
      const detected = isDetecting(shops)
        ? [cell(({ seen }) => seen), cell(({ seenAtCulprit }) => seenAtCulprit)]
        : ['-', '-'];
      return [type, `${faults}`, titleOf(shops), ...detected, cell(first), cell(among(3)), cell(among(5))];
    }),
  );
  return [['type', 'faults', 'method', 'recall', 'at the culprit', 'cause @1', '@3', '@5'], ...rows];
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

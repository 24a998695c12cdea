import { readFileSync } from 'node:fs';
import { markdown } from '../../../scorer/backtest/report/markdown.ts';
import { replaceBlock } from '../../../test/document-block.ts';
import { ABLATIONS } from '../methods/ablations/ablations.ts';
import { METHODS } from '../methods/methods.ts';
import { figuresTable, type ResultRow } from '../table.ts';
import type { ShopOutcomes } from './outcomes-file.ts';
import { COMPARED, differences, eachShop, overShops, typesByMethod } from './summary-table.ts';

export const PAGE = 'docs/evaluation/generated-shops.md';

/** A method that was shown the status of responses as well. */
const withStatus = (method: string) => `${method}+features-http-status`;
const PRODUCT = ['autoencoder', withStatus('autoencoder')];

/** Methods that the types of fault are compared for; the results have all. */
const COMPARED_METHODS = [...PRODUCT, 'own_deviation', 'pca', 'robust_z', 'n_sigma', 'robust_scorer', 'walk'];
/** Methods that are the product without a part, or with one more, beside the ablations. */
const PARTS = [...PRODUCT, 'own_deviation', 'pca', 'worst_edges', ...ABLATIONS.map(({ name }) => name)];

/** The rows of methods that were run on all shops: others are of other shops, and don't compare. */
function ofAllShops(rows: readonly ShopOutcomes[]): ShopOutcomes[] {
  const shopsOf = (name: string) => rows.filter(({ method }) => method === name).length;
  const all = new Set(rows.map(({ recording }) => recording)).size;
  return rows.filter(({ method }) => shopsOf(method) === all);
}

/** Writes the tables over shops into their page. */
export function updatePage(rows: readonly ShopOutcomes[]): void {
  const complete = ofAllShops(rows);
  const of = (methods: readonly string[]) => complete.filter(({ method }) => methods.includes(method));
  replaceBlock(PAGE, 'methods', markdown(overShops(of(METHODS.flatMap(({ name }) => [name, withStatus(name)])))));
  replaceBlock(PAGE, 'shops', markdown(eachShop(of([...PRODUCT, 'own_deviation']))));
  replaceBlock(PAGE, 'parts', markdown(differences(rows.filter(({ method }) => PARTS.includes(method)))));
  const compared = Object.keys(COMPARED) as (keyof typeof COMPARED)[];
  const tables = compared.map(
    (key) => `${COMPARED[key].title}:\n\n${markdown(typesByMethod(of(COMPARED_METHODS), key))}`,
  );
  replaceBlock(PAGE, 'types', tables.join('\n'));
}

/** Writes what each part brings on other recordings into the page. @param path of results of `--ablations` */
export function updateParts(path: string): void {
  const { rows } = JSON.parse(readFileSync(path, 'utf8')) as { readonly rows: readonly ResultRow[] };
  replaceBlock(PAGE, 'recordings', markdown(figuresTable(rows.filter(({ method }) => PARTS.includes(method)))));
}

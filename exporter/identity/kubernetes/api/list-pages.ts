import { ProtocolError } from './api-error.ts';
import { FREE_PAGES, ITEMS_PER_PAGE, MAX_OBJECTS } from './limits.ts';
import { ListItems } from './list-items.ts';
import type { ApiObject } from './metadata.ts';

/** Items that a page is asked for. */
const PAGE = 500;

interface ListEnvelope {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

/** Requests a page and passes on its body in chunks. */
export type GetPage = (query: Readonly<Record<string, string>>, onBody: (chunk: Buffer) => void) => Promise<void>;

/**
 * Reads a list page by page. Resolves with its resource version.
 *
 * @param from parameters of the first page
 * @throws ProtocolError if the list has no version, or does not end; SyntaxError if it is not a list
 */
export async function readPages(
  get: GetPage,
  from: Readonly<Record<string, string>>,
  onItem: (object: ApiObject) => void,
): Promise<string> {
  let items = 0;
  const take = (item: unknown): void => {
    if (++items > MAX_OBJECTS) throw new ProtocolError(`the list has more than ${MAX_OBJECTS} objects`);
    onItem(item as ApiObject);
  };
  for (let pages = 1, query = from; ; pages++) {
    if (pages > FREE_PAGES + items / ITEMS_PER_PAGE) {
      throw new ProtocolError(`the list does not end: ${items} objects in ${pages - 1} pages`);
    }
    const list = new ListItems(take);
    await get({ limit: String(PAGE), ...query }, (chunk) => list.push(chunk));
    const { metadata } = (list.envelope() ?? {}) as ListEnvelope;
    const { resourceVersion: version, continue: next } = metadata ?? {};
    if (next !== undefined && next !== '') {
      query = { continue: next };
      continue;
    }
    if (version === undefined) throw new ProtocolError('the list has no resource version');
    return version;
  }
}

/**
 * Bounds on what the API server may send and ask for, far above what a sound one does: nothing that it sends fills the
 * memory, and nothing that it asks for keeps the exporter from asking again, or makes it ask all the time.
 */

/** An object, as an item of a list or in an event of a watch. Bytes; etcd accepts at most 1.5 MiB. */
export const MAX_OBJECT_BYTES = 8 * 1024 * 1024;
/** A list without its items, in bytes. */
export const MAX_ENVELOPE_BYTES = 65_536;
/** Objects in a list. Kubernetes supports 150,000 pods. */
export const MAX_OBJECTS = 500_000;
/** Pages of a list that may have few items. The server filters a page after it has read it, so one may be empty. */
export const FREE_PAGES = 20;
/** Items that every further page has on average. */
export const ITEMS_PER_PAGE = 50;
/** Time for a page of a list. The server ends its own requests after one minute. Milliseconds. */
export const MAX_PAGE_MS = 300_000;
/** Time that a watch may take longer than it was asked to, in milliseconds. */
export const MAX_WATCH_OVERTIME_MS = 60_000;
/** The longest pause that the server's Retry-After causes, in milliseconds. */
export const MAX_RETRY_AFTER_MS = 60_000;
/** The server's error message, in characters. */
export const MAX_MESSAGE_CHARS = 300;

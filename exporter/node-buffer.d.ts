// @types/node 20 leaves out what Buffer has had from the first.
declare module 'node:buffer' {
  global {
    interface Buffer {
      /** Writes a string of characters up to U+00FF, a byte each; returns the number of bytes written. */
      latin1Write(text: string, offset: number, length: number): number;
    }
  }
}

// Methods of Buffer that @types/node 20 does not declare.
declare module 'node:buffer' {
  global {
    interface Buffer {
      /** Writes a string of characters up to U+00FF, one byte each; returns the number of bytes written. */
      latin1Write(text: string, offset: number, length: number): number;
    }
  }
}

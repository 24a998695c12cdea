declare module 'snappyjs' {
  /** Snappy's block format, without framing: https://github.com/google/snappy/blob/main/format_description.txt */
  const snappy: {
    compress(data: Uint8Array): Uint8Array;
    uncompress(data: Uint8Array, maxLength?: number): Uint8Array;
  };
  export default snappy;
}

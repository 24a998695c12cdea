/** Kernel keys are native-endian, and every machine that BPF programs are built for here is little-endian. */
export function readId(buffer: Buffer, offset: number): bigint {
  return buffer.readBigUInt64LE(offset);
}

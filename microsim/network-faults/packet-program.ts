/** `struct packet_fault` of packets.bpf.c. */
export interface PacketFault {
  /** Share of the packets, 0..1. */
  readonly share: number;
  readonly seed: number;
  /** IPv4 address; undefined: packets to anybody. */
  readonly destination?: string;
}

const CONSTANTS_SIZE = 16;
/** 64-bit ELF: fields of its header and of a section's header. */
const ELF = { sections: 0x28, sectionSize: 0x3a, sectionCount: 0x3c, namesIndex: 0x3e };
const SECTION = { name: 0x00, offset: 0x18, size: 0x20 };

/**
 * A copy of the BPF object with the constants of a fault in its section `.rodata`. tc, which loads the object, has no
 * option for constants.
 *
 * @throws Error unless it is an object of `packets.bpf.c`.
 */
export function withPacketFault(object: Buffer, { share, seed, destination }: PacketFault): Buffer {
  const copy = Buffer.from(object);
  const { offset, size } = findSection(copy, '.rodata');
  if (size !== CONSTANTS_SIZE) throw new Error(`expected ${CONSTANTS_SIZE} bytes of constants, found ${size}`);
  copy.writeBigUInt64LE(BigInt(Math.round(share * 2 ** 32)), offset);
  copy.writeUInt32LE(Math.floor(seed), offset + 8);
  (destination ?? '0.0.0.0').split('.').forEach((part, index) => copy.writeUInt8(Number(part), offset + 12 + index));
  return copy;
}

function findSection(object: Buffer, wanted: string): { readonly offset: number; readonly size: number } {
  // Class 2 and encoding 1: 64-bit, little-endian.
  if (object.toString('latin1', 0, 6) !== '\x7fELF\x02\x01') throw new Error('expected a little-endian ELF object');
  const first = Number(object.readBigUInt64LE(ELF.sections));
  const length = object.readUInt16LE(ELF.sectionSize);
  const field = (index: number, at: number) => Number(object.readBigUInt64LE(first + index * length + at));
  const names = field(object.readUInt16LE(ELF.namesIndex), SECTION.offset);
  for (let index = 0; index < object.readUInt16LE(ELF.sectionCount); index += 1) {
    const name = names + object.readUInt32LE(first + index * length + SECTION.name);
    if (object.toString('latin1', name, object.indexOf(0, name)) !== wanted) continue;
    return { offset: field(index, SECTION.offset), size: field(index, SECTION.size) };
  }
  throw new Error(`no section ${wanted}`);
}

import { BpfError, type BpfMap } from '../../native/index.ts';

/** A plain kernel map that both the BPF programs and user space write. */
export interface SharedTable extends Pick<BpfMap, 'name' | 'capacity' | 'read' | 'delete'> {
  /** Returns false if the map is full or the kernel has no memory for a row. */
  update(key: Uint8Array, value: Uint8Array): boolean;
}

export function sharedTable(map: BpfMap): SharedTable {
  return {
    name: map.name,
    capacity: map.capacity,
    read: () => map.read(),
    delete: (key) => map.delete(key),
    update(key, value) {
      try {
        map.update(key, value);
        return true;
      } catch (error) {
        if (error instanceof BpfError && (error.errno === 'E2BIG' || error.errno === 'ENOMEM')) return false;
        throw error;
      }
    },
  };
}

/** Files without a name, in memory (memfd_create(2)): how a child process hands bytes back. */
import { fromSystemError } from '../errors.ts';
import { native } from './addon.ts';
import { type Descriptor, ownDescriptor } from './descriptor.ts';

/** An empty file for somebody else to write into. */
export function scratchFile(name: string): Descriptor {
  return ownDescriptor(scratchMemory(name));
}

/** The same, for the caller to close. */
export function scratchMemory(name: string): number {
  return native(`make memory file "${name}"`, (calls) => calls.memory(name));
}

/** The first `limit` bytes of a file, wherever its offset is. */
export function readHead({ fd }: Pick<Descriptor, 'fd'>, limit: number): Buffer {
  const { fstatSync, readSync } = process.getBuiltinModule('node:fs');
  try {
    const bytes = Buffer.alloc(Math.min(limit, fstatSync(fd).size));
    let length = 0;
    while (length < bytes.length) {
      const read = readSync(fd, bytes, length, bytes.length - length, length);
      if (read === 0) break;
      length += read;
    }
    return bytes.subarray(0, length);
  } catch (error) {
    throw fromSystemError(error, 'read a memory file');
  }
}

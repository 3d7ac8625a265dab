/** Flags that `checkpoint` and `restore` share. Pure. */
import { resolve } from 'node:path';
import { type CriuOptions, cgroupsModes } from '../../criu/options.ts';
import { asIs, single, toggle, type Values } from '../definition.ts';
import { oneOf } from '../value/number.ts';

export const criuFlags = {
  'image-path': single('directory', asIs, 'path of the criu image files', { shown: './checkpoint' }),
  'work-path': single('directory', asIs, 'path for the log of criu, defaults to the image path'),
  'tcp-established': toggle('allow open tcp connections'),
  'ext-unix-sk': toggle('allow external unix sockets'),
  'shell-job': toggle('allow shell jobs'),
  'file-locks': toggle('handle file locks, for safety'),
  'manage-cgroups-mode': single('mode', oneOf('cgroups mode', cgroupsModes), 'soft, full, strict or ignore', {
    shown: 'soft',
  }),
  'empty-ns': single('namespace', oneOf('namespace', ['network']), 'create a namespace, but leave it empty'),
  'auto-dedup': toggle('enable auto deduplication of memory images'),
  'lazy-pages': toggle('use userfaultfd to lazily restore memory pages'),
} as const;

/** @param directory the working directory */
export function criuOptions(flags: Values<typeof criuFlags>, directory: string): CriuOptions {
  const images = resolve(directory, flags['image-path'] || 'checkpoint');
  return {
    images,
    work: flags['work-path'] ? resolve(directory, flags['work-path']) : images,
    tcpEstablished: flags['tcp-established'],
    externalUnixSockets: flags['ext-unix-sk'],
    shellJob: flags['shell-job'],
    fileLocks: flags['file-locks'],
    cgroups: flags['manage-cgroups-mode'] ?? 'soft',
    emptyNetwork: flags['empty-ns'] !== undefined,
    autoDedup: flags['auto-dedup'],
    lazyPages: flags['lazy-pages'],
  };
}

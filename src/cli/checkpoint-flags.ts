/** Flags of the commands that make, show and use checkpoints. Pure. */
import { resolve } from 'node:path';
import type { CheckpointPlace } from '../engine/types.ts';
import { asIs, single } from './definition.ts';

export const checkpointDirectoryFlag = single('string', asIs, 'Use a custom checkpoint storage directory');

/** @param directory against which the path is resolved */
export function checkpointPlace(path: string | undefined, directory: string): CheckpointPlace {
  return path === undefined || path === '' ? {} : { directory: resolve(directory, path) };
}

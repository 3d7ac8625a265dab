/** Whether an image is there: what every `run` asks, so nothing else is loaded for it. */
import { OnggiError } from '../../errors.ts';
import { findImage } from '../../image/find.ts';
import type { Context } from '../context.ts';

export async function imageExists(context: Context, ref: string): Promise<boolean> {
  try {
    findImage(context.store, ref);
    return true;
  } catch (error) {
    if (error instanceof OnggiError && error.code === 'not-found') return false;
    throw error;
  }
}

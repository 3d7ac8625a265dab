import { existsCommand } from '../exists.ts';

export const command = existsCommand('IMAGE', 'images', (engine, ref) => engine.images.inspect(ref));

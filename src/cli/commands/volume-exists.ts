import { existsCommand } from '../exists.ts';

export const command = existsCommand('VOLUME', 'volumes', (engine, ref) => engine.volumes.get(ref));

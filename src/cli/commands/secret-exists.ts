import { existsCommand } from '../exists.ts';

export const command = existsCommand('SECRET', 'none', (engine, ref) => engine.secrets.get(ref));

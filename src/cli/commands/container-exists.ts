import { existsCommand } from '../exists.ts';

export const command = existsCommand('CONTAINER', 'containers', (engine, ref) => engine.containers.get(ref));

import { inspectCommand } from '../inspect.ts';

export const command = inspectCommand('volume');

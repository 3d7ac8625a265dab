/** For its face, which is a process of its own: how to end it. */
export { endProcess } from '../kernel/process-end.ts';

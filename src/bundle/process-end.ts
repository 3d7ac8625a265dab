/** For its face, which is a process of its own: how to end it, and how to make ready for that. */
export { endProcess, prepareEnd } from '../kernel/process-end.ts';

/** For faces that are a process of their own: how to end with the store left as it is. */
export { endProcess } from '../kernel/process-end.ts';

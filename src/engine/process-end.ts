/** For faces that are a process of their own: how to end with the store left as it is, and to serve many. */
export { endProcess, raiseDescriptorLimit } from '../kernel/process-end.ts';

/** For its face: whether the caller is root of the machine, no ordinary user and not root of a user namespace. */
export { isPrivileged } from '../kernel/user-namespace.ts';

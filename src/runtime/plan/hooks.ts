/** Hooks of config.json as steps ("POSIX-platform Hooks"), and the state that they are told (runtime.md, "State"). Pure. */
import { OnggiError } from '../../errors.ts';
import { type Hook, ociVersion, type Spec } from '../../oci/runtime-spec.ts';
import type { HookStep } from './steps.ts';

/** The container that the hooks are told of. */
export type HookSubject = { readonly id: string; readonly bundle: string };

type Kind = HookStep['kind'];

/** What runtime.md calls the container's status at the time of the hook. */
const statuses: Readonly<Record<Kind, string>> = {
  prestart: 'creating',
  createRuntime: 'creating',
  createContainer: 'creating',
  startContainer: 'created',
};

/** The hooks that the keeper runs, in their order: the deprecated prestart before createRuntime. */
export function runtimeHooks(spec: Spec, subject: HookSubject): HookStep[] {
  return [...compileHooks(spec, 'prestart', subject), ...compileHooks(spec, 'createRuntime', subject)];
}

export function hasRuntimeHooks({ hooks }: Spec): boolean {
  return (hooks?.prestart ?? []).length + (hooks?.createRuntime ?? []).length > 0;
}

/** @throws OnggiError `invalid`, naming the hook */
export function compileHooks(spec: Spec, kind: Kind, subject: HookSubject): HookStep[] {
  return (spec.hooks?.[kind] ?? []).map((hook, index) => {
    checkHook(hook, `hooks.${kind}[${index}]`);
    const { path, args = [path], env = [], timeout = null } = hook;
    return { op: 'hook', kind, index, path, args, env, timeout, state: hookState(spec, kind, subject) };
  });
}

/** @throws OnggiError `invalid` unless the hook can be executed, whoever executes it */
export function checkHook({ path, timeout }: Hook, where: string): void {
  if (!path.startsWith('/')) {
    throw new OnggiError('invalid', `${where}: its path "${path}" is not absolute`);
  }
  // Some 24 days in milliseconds are what poll(2) can wait.
  if (timeout !== undefined && !(Number.isInteger(timeout) && timeout > 0 && timeout <= 2_000_000)) {
    throw new OnggiError('invalid', `${where}: its timeout "${timeout}" is not a number of seconds above 0`);
  }
}

/** The pid is known, and differs by pid namespace, only when the hook runs: it comes between the halves. */
function hookState({ annotations = {} }: Spec, kind: Kind, { id, bundle }: HookSubject): HookStep['state'] {
  const before = JSON.stringify({ ociVersion, id, status: statuses[kind] });
  return {
    before: `${before.slice(0, -1)},"pid":`,
    after: `,${JSON.stringify({ bundle, annotations }).slice(1)}`,
  };
}

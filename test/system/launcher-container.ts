/** A container that a launcher makes: plans as in shim-container.ts, with the other keeper. */
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OnggiError } from '../../src/errors.ts';
import { type Interpreter, type Launch, type Launched, launch, type StepReport } from '../../src/kernel/launcher.ts';
import { encodePlan } from '../../src/runtime/plan/encode.ts';
import { stepError } from '../../src/runtime/plan/step-error.ts';
import type { HookStep, LauncherOptions, Plan } from '../../src/runtime/plan/steps.ts';
import type { ContainerWish, Place } from './shim-container.ts';

export type LauncherWish = ContainerWish & {
  readonly launcher?: Partial<LauncherOptions>;
  readonly consoleSocket?: string;
  readonly preserve?: readonly number[];
  readonly stdio?: Launch['stdio'];
};

/** Stays and waits for its start, unless the wish says otherwise; exec joins without a wait. */
export function launcherPlan(place: Place, wish: LauncherWish): Plan {
  const terminal = wish.launcher?.terminal === true;
  const plan = place.plan({ ...wish, shim: { ...wish.shim, terminal } });
  return {
    ...plan,
    keeper: {
      kind: 'launcher',
      id: 'c',
      terminal,
      consoleSocket: wish.consoleSocket !== undefined,
      preserve: wish.preserve?.length ?? 0,
      stay: true,
      startFifo: null,
      ...wish.launcher,
    },
  };
}

/** The plan of a container that is left alone. */
export function createdPlan(place: Place, wish: LauncherWish): Plan {
  return launcherPlan(place, { ...wish, launcher: { stay: false, startFifo: fifoOf(place), ...wish.launcher } });
}

export function fifoOf(place: Place): string {
  return join(place.path, 'start');
}

export type Told = Interpreter & { readonly warnings: StepReport[] };

export function interpreter(plan: Plan): Told {
  const warnings: StepReport[] = [];
  return { failed: (report) => stepError(report, plan), warn: (report) => void warnings.push(report), warnings };
}

/** Stdio is /dev/null, output goes to the file "out" of the place. */
export function launchIn(
  place: Place,
  plan: Plan,
  wish: Pick<LauncherWish, 'stdio' | 'preserve' | 'consoleSocket'> = {},
): Launched {
  using opened = new DisposableStack();
  const nothing = opened.adopt(openSync('/dev/null', 'r+'), closeSync);
  const out = opened.adopt(openSync(join(place.path, 'out'), 'a'), closeSync);
  assert.ok(plan.keeper.kind === 'launcher');
  return launch({
    id: 'c',
    plan: encodePlan(plan),
    stdio: wish.stdio ?? [nothing, out, out],
    consoleSocket: wish.consoleSocket,
    preserve: wish.preserve ?? [],
    stay: plan.keeper.stay,
    ...interpreter(plan),
  });
}

export function output(place: Place): string {
  return readFileSync(join(place.path, 'out'), 'utf8');
}

/** A whole life in the foreground. */
export async function runForeground(
  place: Place,
  wish: LauncherWish,
): Promise<{ readonly exitCode: number; readonly signal: number; readonly output: string }> {
  using launched = launchIn(place, launcherPlan(place, wish), wish);
  launched.created();
  if (wish.immediate !== true) launched.start();
  const { exitCode, signal } = await launched.exited();
  return { exitCode, signal, output: output(place) };
}

export function hook(
  kind: HookStep['kind'],
  argv: readonly [string, ...string[]],
  more: Partial<HookStep> = {},
): HookStep {
  const state = { before: `{"status":"${kind}","pid":`, after: '}' };
  return { op: 'hook', kind, index: 0, path: argv[0], args: argv, env: [], timeout: null, state, ...more };
}

/** The code and message of what `act` throws. */
export function refusal(act: () => void): { readonly code: string; readonly message: string } {
  try {
    act();
  } catch (error) {
    if (error instanceof OnggiError) return { code: error.code, message: error.message };
    throw error;
  }
  return assert.fail('nothing was refused');
}

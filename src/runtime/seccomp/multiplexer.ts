/**
 * socketcall(2) and ipc(2) of i386: one number for many calls, told apart by the first argument. A rule for "connect"
 * would mean nothing to a 32-bit program whose C library connects by socketcall(3), as Debian's does, so it is written
 * for both ways. Pure.
 *
 * Numbers: SYS_* of <linux/net.h>, and <linux/ipc.h>, where the upper 16 bits of the argument are a version.
 */
import type { SeccompArgument } from '../../oci/runtime-spec.ts';

type Multiplexer = { readonly name: string; readonly mask?: number; readonly calls: string };

/** Each call has the number after that of the one before it; a number in the list is that of the next one. */
const multiplexers: readonly Multiplexer[] = [
  {
    name: 'socketcall',
    calls: `1 socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom shutdown
      setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg`,
  },
  {
    name: 'ipc',
    mask: 0xffff,
    calls: '1 semop semget semctl semtimedop 11 msgsnd msgrcv msgget msgctl 21 shmat shmdt shmget shmctl',
  },
];

export type Multiplexed = { readonly name: string; readonly condition: SeccompArgument };

/** By the name of the call, the call that it can hide in. */
export function multiplexedCalls(): ReadonlyMap<string, Multiplexed> {
  const calls = new Map<string, Multiplexed>();
  for (const { name, mask, calls: list } of multiplexers) {
    let number = 0;
    for (const word of list.split(/\s+/)) {
      if (/^\d/.test(word)) number = Number(word);
      else calls.set(word, { name, condition: selects(mask, number++) });
    }
  }
  return calls;
}

function selects(mask: number | undefined, number: number): SeccompArgument {
  if (mask === undefined) return { index: 0, op: 'SCMP_CMP_EQ', value: number };
  return { index: 0, op: 'SCMP_CMP_MASKED_EQ', value: mask, valueTwo: number };
}

import { testParser } from '../testing.ts';
import { parseSecurityOption } from './security-option.ts';

testParser(
  'security options',
  parseSecurityOption,
  [
    ['no-new-privileges', { kind: 'no-new-privileges', on: true }],
    ['no-new-privileges=false', { kind: 'no-new-privileges', on: false }],
    ['no-new-privileges:true', { kind: 'no-new-privileges', on: true }],
    ['seccomp=unconfined', { kind: 'seccomp', profile: 'unconfined' }],
    ['seccomp:/a=b.json', { kind: 'seccomp', profile: '/a=b.json' }],
    ['apparmor=unconfined', { kind: 'apparmor', profile: 'unconfined' }],
    ['systempaths=unconfined', { kind: 'system-paths' }],
    ['mask=/proc/a:/sys/b', { kind: 'mask', paths: ['/proc/a', '/sys/b'] }],
    ['unmask=all', { kind: 'unmask', paths: ['ALL'] }],
    ['label=disable', { kind: 'label', words: { disable: true } }],
    ['label:level:s0:c1,c2', { kind: 'label', words: { level: 's0:c1,c2' } }],
    ['label=filetype:usr_t', { kind: 'label', words: { filetype: 'usr_t' } }],
  ],
  [
    ['', /invalid --security-opt: ""/],
    ['seccomp', /invalid --security-opt: "seccomp"/],
    ['no-new-privileges=maybe', /Write true or false|invalid --security-opt/],
    ['systempaths=confined', /invalid --security-opt/],
    ['mask=relative', "'relative' is not an absolute path"],
    ['label=type', "bad label option 'type'"],
    ['label=colour:x', "bad label option 'colour:x'"],
    ['label=type:x"', /no label has/],
    ['label=type:', "bad label option 'type:'"],
    ['foo=bar', /invalid --security-opt: "foo=bar"/],
  ],
);

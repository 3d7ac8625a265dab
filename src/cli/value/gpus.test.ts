import { testParser } from '../testing.ts';
import { parseGpus } from './gpus.ts';

testParser(
  '--gpus',
  parseGpus,
  [
    ['all', ['nvidia.com/gpu=all']],
    ['2', ['nvidia.com/gpu=0', 'nvidia.com/gpu=1']],
    ['device=0', ['nvidia.com/gpu=0']],
    ['"device=0,GPU-1"', ['nvidia.com/gpu=0', 'nvidia.com/gpu=GPU-1']],
    ['"device=1",driver=amd', ['amd.com/gpu=1']],
    ['count=1,capabilities=gpu', ['nvidia.com/gpu=0']],
    ['driver=intel', ['intel.com/gpu=all']],
  ],
  [
    ['x', /invalid count \(x\)/],
    ['count=1,device=0', /cannot set both/],
    ['driver=nosuch', /there are nvidia, amd, intel/],
    ['capabilities=utility', /capabilities=utility/],
    ['a=b', /unexpected key 'a'/],
  ],
);

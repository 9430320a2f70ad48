import { listen } from '../../../../examples/hosts/bun.ts'
import { hostProcess } from './host-process.ts'

await hostProcess(await listen(), Bun.stdin.stream())

import { listen } from '../../../../examples/hosts/deno.ts'
import { hostProcess } from './host-process.ts'

await hostProcess(await listen(), Deno.stdin.readable)

import { remoteManager, type Answer, type ServedElsewhere } from './calls.ts'
import { Child } from './child.ts'
import { programOf } from './programs.ts'

/** Starts a `hostProcess` of Bun or Deno. */
export async function startProcess(runtime: string, args: readonly string[]): Promise<ServedElsewhere> {
  const child = new Child(programOf(runtime), args, { stdio: ['pipe', 'pipe', 'inherit'], outputFd: 1 })
  const { port } = JSON.parse(await child.nextLine()) as { readonly port: number }
  return {
    manager: remoteManager(async (call) => {
      child.say(JSON.stringify(call))
      return JSON.parse(await child.nextLine()) as Answer
    }),
    port,
    stop: () => child.end(),
  }
}

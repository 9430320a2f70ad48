import process from 'node:process'
import type { Listening } from '../../../../examples/hosts/listening.ts'
import { answer, called, type Call } from '../calls.ts'

/**
 * Makes a process of Bun or Deno the host of a recipe's server: prints its port, then answers each line of its standard input, a call, by
 * a line of its standard output. At the end of its input, so at the latest when whoever started it is gone, it stops the server and ends.
 */
export async function hostProcess({ manager, port, stop }: Pick<Listening, 'manager' | 'port'> & { stop(): Promise<unknown> }, input: ReadableStream<Uint8Array>): Promise<void> {
  const target = called(manager)
  console.log(JSON.stringify({ port }))
  for await (const line of linesOf(input)) console.log(JSON.stringify(await answer(target, JSON.parse(line) as Call)))
  await stop()
  process.exit() // Deno holds a process until the idle timeout of a socket that broke
}

async function* linesOf(input: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of input) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}

import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Feed } from './feed.ts'
import type { Ending, ServerMessage } from './messages.ts'

const PROGRAM = fileURLToPath(new URL('./server.ts', import.meta.url))

/** A server in a process of its own. */
export class ServerProcess {
  readonly port: number
  readonly #process: ChildProcess
  #publishedCount: number

  /** Starts a server, and has the feed go on where its predecessor was. */
  static async start(historyFile: string, ending: Ending, feed: Feed): Promise<ServerProcess> {
    const child = fork(PROGRAM, [historyFile, ending])
    const [message] = (await once(child, 'message')) as [ServerMessage]
    if (message.type !== 'ready') throw new Error(`A server began with ${JSON.stringify(message)}`)
    const server = new ServerProcess(child, message)
    feed.pipe((entry) => void child.send(entry, () => {}), message.nextEntry)
    return server
  }

  private constructor(child: ChildProcess, { port, nextEntry }: Extract<ServerMessage, { type: 'ready' }>) {
    this.port = port
    this.#process = child
    this.#publishedCount = nextEntry
    child.on('message', (message: ServerMessage) => {
      if (message.type === 'published') this.#publishedCount = message.count
    })
  }

  /** Settles when so many more entries have been published. */
  async publishes(count: number): Promise<void> {
    for (const last = this.#publishedCount + count; this.#publishedCount < last; ) await once(this.#process, 'message')
  }

  /** Ends it, in the middle of what it does. Returns its exit code. */
  async terminate(): Promise<number | null> {
    const exited = once(this.#process, 'exit')
    this.#process.kill('SIGTERM')
    const [code] = (await exited) as [number | null]
    return code
  }

  /** Ends it if it is still there. */
  kill(): void {
    this.#process.kill('SIGKILL')
  }
}

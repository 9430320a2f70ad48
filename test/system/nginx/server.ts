import type { MemoryBus } from '../../../src/backplanes/memory/index.ts'
import type { DrainReport } from '../../../src/operations/index.ts'
import { ChildProgram } from '../chaos/child-program.ts'
import type { Deploy, Entry, FromNode, NodeBeginning, ToNode } from './messages.ts'

/** A server in a process of its own. */
export class Server {
  readonly port: number
  readonly #program: ChildProgram<ToNode, FromNode>

  /** Starts a server, which reaches the others by the bus. Settles when it listens. */
  static async start(program: string, bus: MemoryBus | undefined, beginning: NodeBeginning): Promise<Server> {
    const child = new ChildProgram<ToNode, FromNode>(program, 'A server')
    bus?.attach(child.process)
    const { port } = await child.ask({ type: 'begin', ...beginning }, 'listening')
    return new Server(child, port)
  }

  private constructor(program: ChildProgram<ToNode, FromNode>, port: number) {
    this.#program = program
    this.port = port
  }

  publish(entry: Entry): void {
    this.#program.tell({ type: 'publish', entry })
  }

  /** Has it end as at SIGTERM. Settles when its clients have gone. It ends by itself after a while. */
  async deploy({ overMs, perSecond, stayMs }: Deploy): Promise<DrainReport> {
    this.#program.mayEnd()
    const { report } = await this.#program.ask({ type: 'deploy', overMs, perSecond, stayMs }, 'drained')
    return report
  }

  get hasEnded(): boolean {
    return this.#program.process.exitCode !== null
  }

  get unhandled(): readonly string[] {
    return this.#program.unhandled
  }

  kill(): Promise<void> {
    return this.#program.kill()
  }
}
